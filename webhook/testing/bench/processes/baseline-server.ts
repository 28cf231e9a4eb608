import { fdatasyncSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/*
 * What the benchmark compares with: a webhook that only parses the review and allows it. Nothing is looked at, nothing
 * is stored. With a file, each review is also written to it and synced, over bytes that are there already, before it is answered: what
 * the disk alone costs.
 */
const [cert = '', key = '', file] = process.argv.slice(2);

const FILE_BYTES = 16 * 1024 * 1024;
/** As webhook/record/spool/segments.ts. */
const CHUNK = Buffer.alloc(64 * 1024);

function openFloor(path: string): (body: Buffer) => void {
  const fd = openSync(path, 'w+');
  for (let at = 0; at < FILE_BYTES; at += CHUNK.length) writeSync(fd, CHUNK, 0, CHUNK.length, at);
  fsyncSync(fd);
  let position = 0;
  return (body) => {
    if (position + body.length > FILE_BYTES) position = 0;
    writeSync(fd, body, 0, body.length, position);
    fdatasyncSync(fd);
    position += body.length;
  };
}

const write = file === undefined ? null : openFloor(file);

async function allow(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const review = JSON.parse(bytes.toString()) as { request: { uid: string } };
  write?.(bytes);
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
