package io.expertmesh.gateway;

import io.expertmesh.gateway.http.BodyLimitFilter;
import io.expertmesh.gateway.http.DepartureFilter;
import io.expertmesh.gateway.http.ErrorFilter;
import io.expertmesh.gateway.http.RequestIdFilter;
import io.expertmesh.gateway.metrics.EngineCollector;
import io.expertmesh.gateway.metrics.RequestMetricsFilter;
import io.expertmesh.gateway.metrics.ServingMetrics;
import io.expertmesh.gateway.security.AuthenticationFilter;
import io.expertmesh.gateway.security.Callers;
import io.expertmesh.gateway.security.OriginRefusal;
import io.expertmesh.gateway.security.RateLimitFilter;
import io.expertmesh.gateway.trace.Exemplars;
import io.expertmesh.gateway.trace.TraceFilter;
import io.expertmesh.gateway.trace.Traces;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.telemetry.Telemetry;
import io.expertmesh.web.MetricsController;
import io.expertmesh.web.ServiceMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import jakarta.servlet.Filter;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;
import org.springframework.web.filter.CorsFilter;

/** The parts of the gateway and the order in which a request meets its filters. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@Import(MetricsController.class)
class GatewayApplication {
  @Bean(destroyMethod = "close")
  PrometheusMeterRegistry meterRegistry(ModelVersions versions, ObjectProvider<MultiCollector> more, Traces traces) {
    return ServiceMetrics.registry(Stream.concat(Stream.of(new EngineCollector(versions)), more.stream()).toList(),
        traces.on() ? new Exemplars() : null);
  }

  @Bean
  JvmGcMetrics gcMetrics(PrometheusMeterRegistry registry) {
    JvmGcMetrics metrics = new JvmGcMetrics();
    metrics.bindTo(registry);
    return metrics;
  }

  @Bean
  ServingMetrics servingMetrics(PrometheusMeterRegistry registry) {
    return new ServingMetrics(registry);
  }

  @Bean
  FilterRegistrationBean<Filter> requestId() {
    return filter(0, new RequestIdFilter());
  }

  @Bean
  Traces traces(Telemetry telemetry, GatewayConfiguration configuration) {
    return new Traces(telemetry, configuration.traceSteps());
  }

  @Bean
  FilterRegistrationBean<Filter> tracing(Traces traces) {
    FilterRegistrationBean<Filter> registration = filter(1, new TraceFilter(traces));
    registration.setEnabled(traces.on());
    return registration;
  }

  @Bean
  Departure departure() {
    return new Departure();
  }

  @Bean
  FilterRegistrationBean<Filter> lastAnswers(Departure departure) {
    return filter(1, new DepartureFilter(departure));
  }

  @Bean
  FilterRegistrationBean<Filter> requestMetrics(ServingMetrics metrics) {
    return filter(2, new RequestMetricsFilter(metrics));
  }

  @Bean
  FilterRegistrationBean<Filter> errors() {
    return filter(3, new ErrorFilter());
  }

  @Bean
  FilterRegistrationBean<Filter> cors(GatewayConfiguration configuration) {
    CorsConfiguration cors = new CorsConfiguration();
    cors.setAllowedOrigins(configuration.allowedOrigins());
    cors.setAllowedMethods(List.of("GET", "POST"));
    cors.setAllowedHeaders(List.of("Authorization", "Content-Type", "X-Request-Id"));
    cors.setExposedHeaders(List.of("X-Request-Id", "Retry-After"));
    UrlBasedCorsConfigurationSource everywhere = new UrlBasedCorsConfigurationSource();
    if (!configuration.allowedOrigins().isEmpty()) {
      everywhere.registerCorsConfiguration("/**", cors);
    }
    CorsFilter filter = new CorsFilter(everywhere);
    filter.setCorsProcessor(new OriginRefusal());
    return filter(4, filter);
  }

  @Bean
  Callers callers(GatewayConfiguration configuration) {
    return new Callers(configuration.keys(), System::nanoTime);
  }

  @Bean
  FilterRegistrationBean<Filter> authentication(Callers callers) {
    return filter(5, new AuthenticationFilter(callers));
  }

  @Bean
  FilterRegistrationBean<Filter> bodyLimit(GatewayConfiguration configuration) {
    return filter(6, new BodyLimitFilter(configuration.maxBody()));
  }

  @Bean
  FilterRegistrationBean<Filter> rateLimit() {
    return filter(7, new RateLimitFilter());
  }

  private static FilterRegistrationBean<Filter> filter(int order, Filter filter) {
    FilterRegistrationBean<Filter> registration = new FilterRegistrationBean<>(filter);
    registration.setOrder(order);
    registration.setName(filter.getClass().getSimpleName());
    return registration;
  }
}
