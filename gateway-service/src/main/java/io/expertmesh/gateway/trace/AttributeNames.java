package io.expertmesh.gateway.trace;

import io.opentelemetry.api.common.AttributeKey;
import java.util.List;

/** Names of attributes: OpenTelemetry's semantic conventions where they have one. Nothing that was said is among them. */
final class AttributeNames {
  static final AttributeKey<String> HTTP_METHOD = AttributeKey.stringKey("http.request.method");
  static final AttributeKey<String> HTTP_ROUTE = AttributeKey.stringKey("http.route");
  static final AttributeKey<Long> HTTP_STATUS = AttributeKey.longKey("http.response.status_code");
  static final AttributeKey<String> URL_PATH = AttributeKey.stringKey("url.path");
  static final AttributeKey<String> URL_SCHEME = AttributeKey.stringKey("url.scheme");
  static final AttributeKey<String> RPC_SYSTEM = AttributeKey.stringKey("rpc.system");
  static final AttributeKey<String> RPC_SERVICE = AttributeKey.stringKey("rpc.service");
  static final AttributeKey<String> RPC_METHOD = AttributeKey.stringKey("rpc.method");
  static final AttributeKey<Long> RPC_STATUS = AttributeKey.longKey("rpc.grpc.status_code");
  static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

  static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
  static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
  static final AttributeKey<String> REQUEST_MODEL = AttributeKey.stringKey("gen_ai.request.model");
  static final AttributeKey<String> RESPONSE_MODEL = AttributeKey.stringKey("gen_ai.response.model");
  static final AttributeKey<String> RESPONSE_ID = AttributeKey.stringKey("gen_ai.response.id");
  static final AttributeKey<Long> CHOICES = AttributeKey.longKey("gen_ai.request.choice.count");
  static final AttributeKey<Long> MAX_TOKENS = AttributeKey.longKey("gen_ai.request.max_tokens");
  static final AttributeKey<Long> INPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.input_tokens");
  static final AttributeKey<Long> OUTPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.output_tokens");
  static final AttributeKey<List<String>> FINISH_REASONS = AttributeKey
      .stringArrayKey("gen_ai.response.finish_reasons");

  /** As logs and the client's {@code x-request-id} have it. */
  static final AttributeKey<String> REQUEST_ID = AttributeKey.stringKey("http.request.id");
  static final AttributeKey<String> VERSION = AttributeKey.stringKey("expertmesh.model.version");
  static final AttributeKey<Long> TOKENS = AttributeKey.longKey("expertmesh.tokens");
  static final AttributeKey<Long> REUSED_TOKENS = AttributeKey.longKey("expertmesh.reused_tokens");
  static final AttributeKey<Long> STEPS = AttributeKey.longKey("expertmesh.steps");
  static final AttributeKey<Long> ROWS = AttributeKey.longKey("expertmesh.rows");
  static final AttributeKey<Long> OWN_ROWS = AttributeKey.longKey("expertmesh.own_rows");
  static final AttributeKey<Long> REQUESTS = AttributeKey.longKey("expertmesh.requests");
  static final AttributeKey<Long> LAYER = AttributeKey.longKey("expertmesh.layer");
  static final AttributeKey<Long> EXPERTS = AttributeKey.longKey("expertmesh.experts");
  static final AttributeKey<String> REPLICA = AttributeKey.stringKey("expertmesh.replica");
  static final AttributeKey<String> REASON = AttributeKey.stringKey("expertmesh.reason");
  static final AttributeKey<Long> QUEUE_MICROS = AttributeKey.longKey("expertmesh.queue_micros");
  static final AttributeKey<Long> COMPUTE_MICROS = AttributeKey.longKey("expertmesh.compute_micros");

  private AttributeNames() {}
}
