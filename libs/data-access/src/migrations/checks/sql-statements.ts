import { loadModule, parseSync, type Node } from 'libpg-query';

export interface ParsedStatement {
  text: string;
  /** The parser's name for what it is: `IndexStmt`, `AlterTableStmt`, … */
  kind: string;
  /** Its parts, as the parser names them. */
  // Statements have a hundred shapes; each rule says which fields it looks at.
  parts: Record<string, unknown>;
}

/** The parser is PostgreSQL's own, compiled to WebAssembly, which has to be loaded once. */
export const loadParser = loadModule;

/** The statements of a text that was sent in one piece. Empty where it is no SQL: the server will say so. */
export function parseStatements(text: string): ParsedStatement[] {
  const bytes = Buffer.from(text);
  try {
    return (parseSync(text).stmts ?? []).flatMap(({ stmt, stmt_location = 0, stmt_len = 0 }) => {
      const end = stmt_len > 0 ? stmt_location + stmt_len : bytes.length;
      return stmt ? [{ text: bytes.subarray(stmt_location, end).toString().trim(), ...kindOf(stmt) }] : [];
    });
  } catch {
    return [];
  }
}

function kindOf(node: Node): Pick<ParsedStatement, 'kind' | 'parts'> {
  const [entry] = Object.entries(node);
  return { kind: entry?.[0] ?? '', parts: (entry?.[1] ?? {}) as Record<string, unknown> };
}

export function isConcurrent({ kind, parts }: ParsedStatement): boolean {
  if (kind === 'IndexStmt') return parts['concurrent'] === true;
  if (kind === 'DropStmt') return parts['concurrent'] === true;
  if (kind !== 'ReindexStmt') return false;
  const options = (parts['params'] ?? []) as { DefElem?: { defname?: string } }[];
  return options.some(({ DefElem }) => DefElem?.defname === 'concurrently');
}

/** Whether a second attempt, after a first that got so far, finds it done instead of failing. */
export function mayRunTwice(statement: ParsedStatement): boolean {
  const { kind, parts } = statement;
  if (kind === 'IndexStmt') return parts['if_not_exists'] === true;
  return kind !== 'DropStmt' || parts['missing_ok'] === true;
}

const rowsOnly = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** Works with rows and leaves tables as they are; so does what steers the session or a transaction. */
export function changesNoTable({ kind }: ParsedStatement): boolean {
  return (
    rowsOnly.has(kind) ||
    ['VariableSetStmt', 'VariableShowStmt', 'TransactionStmt', 'VacuumStmt'].includes(kind)
  );
}

const savepoints = new Set(['TRANS_STMT_SAVEPOINT', 'TRANS_STMT_RELEASE', 'TRANS_STMT_ROLLBACK_TO']);

export function endsTransaction({ kind, parts }: ParsedStatement): boolean {
  return kind === 'TransactionStmt' && !savepoints.has(String(parts['kind']));
}

/** The table whose rows a statement changes, every one of them. */
export function tableOfAllRows({ kind, parts }: ParsedStatement): string | undefined {
  if (kind !== 'UpdateStmt' && kind !== 'DeleteStmt') return undefined;
  const relation = parts['relation'] as { relname?: string } | undefined;
  return parts['whereClause'] === undefined ? relation?.relname : undefined;
}
