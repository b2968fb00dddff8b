/** One finished (or aborted) exchange. */
export interface AccessLine {
  method: string;
  /** The route pattern, or 'other' when nothing matched. */
  route: string;
  /** The path as asked for; a query string is cut off before it is written. */
  path: string;
  status: number;
  durationMs: number;
  /** Bytes of the response body. */
  bytes: number;
  clientIp?: string | undefined;
  userAgent?: string | undefined;
  /** The client went away before the response was complete. */
  aborted?: boolean | undefined;
}
