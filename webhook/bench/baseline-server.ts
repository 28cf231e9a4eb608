import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/*
 * What the benchmark compares with: a webhook that only parses the review and allows it. Nothing is looked at, nothing
 * is stored.
 */
const [cert = '', key = ''] = process.argv.slice(2);

async function allow(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } };
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: review.request.uid, allowed: true },
  });
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  void allow(request, response);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ msg: 'serving', admission: { port } }));
});
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
