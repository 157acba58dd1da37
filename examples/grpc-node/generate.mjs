// Streams a model's answer over gRPC. All that it knows of ExpertMesh are the .proto files.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    address: { type: 'string', default: '127.0.0.1:9090' },
    key: { type: 'string' },
    ca: { type: 'string' },
    'max-tokens': { type: 'string', default: '128' },
    temperature: { type: 'string' },
  },
});
if (positionals.length !== 1) {
  console.error('usage: node generate.mjs [--address HOST:PORT] [--key KEY] [--ca FILE] [--max-tokens N] [--temperature T] "PROMPT"');
  process.exit(2);
}

const protos = fileURLToPath(new URL('../../proto/src/main/protobuf', import.meta.url));
const { expertmesh } = grpc.loadPackageDefinition(
  loadSync('expertmesh/v1/inference.proto', { includeDirs: [protos], keepCase: true, defaults: true, enums: String }));
const credentials = options.ca
  ? grpc.credentials.createSsl(readFileSync(options.ca))
  : grpc.credentials.createInsecure();
const client = new expertmesh.v1.InferenceService(options.address, credentials);

const metadata = new grpc.Metadata();
if (options.key) {
  metadata.set('authorization', `Bearer ${options.key}`);
}
const request = {
  conversation: { messages: [{ role: 'user', content: positionals[0] }] },
  max_tokens: Number(options['max-tokens']),
  sampling: options.temperature === undefined ? {} : { temperature: Number(options.temperature) },
};

const call = client.Generate(request, metadata);
process.once('SIGINT', () => call.cancel());
call.on('data', response => {
  if (response.delta) {
    process.stdout.write(response.delta.text);
  } else if (response.end) {
    process.stdout.write('\n');
    console.error(`${response.end.prompt_tokens} + ${response.end.generated_tokens} tokens, ${response.end.reason}`);
  }
});
call.on('error', failure => {
  console.error(failure.message);
  process.exitCode = 1;
  client.close();
});
call.on('end', () => client.close());
