import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument, serviceRoutes, type ServiceName } from './index';

const committed = (service: ServiceName): unknown =>
  JSON.parse(readFileSync(join(__dirname, `../../../docs/openapi/${service}.json`), 'utf8'));

describe.each(Object.keys(serviceRoutes) as ServiceName[])('the OpenAPI document of %s', (service) => {
  it('is committed as the contracts are (npm run openapi writes it)', () => {
    expect(committed(service)).toEqual(JSON.parse(JSON.stringify(openApiDocument(service))));
  });

  it('names each operation once and answers every problem as a problem document', () => {
    const operations = Object.values(openApiDocument(service).paths ?? {}).flatMap((path) =>
      Object.values(path ?? {}),
    );
    const names = operations.map((operation) => (operation as { operationId: string }).operationId);
    expect(new Set(names).size).toBe(serviceRoutes[service].length);
    for (const { responses } of operations as { responses: Record<string, { content?: object }> }[]) {
      for (const [status, response] of Object.entries(responses)) {
        if (Number(status) >= 400)
          expect(Object.keys(response.content ?? {})).toEqual(['application/problem+json']);
      }
    }
  });
});
