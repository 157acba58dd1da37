package io.expertmesh.gateway.openai;

import io.expertmesh.gateway.GatewayConfiguration;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.trace.Traces;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class OpenAiConfiguration {
  @Bean
  AnswerService answerService(ServingMetrics metrics, Traces traces, GatewayConfiguration configuration) {
    return new AnswerService(metrics, traces, configuration.keepAlive());
  }
}
