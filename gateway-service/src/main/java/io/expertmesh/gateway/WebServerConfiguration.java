package io.expertmesh.gateway;

import io.expertmesh.gateway.http.ClientConnection;
import io.expertmesh.gateway.http.RefusedHttp;
import io.expertmesh.gateway.versions.ModelVersions;
import io.expertmesh.web.TomcatSetup;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.Shutdown;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.DefaultLifecycleProcessor;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Tomcat on virtual threads with Spring MVC in it, set up by hand so that it starts quickly. */
@Configuration(proxyBeanMethods = false)
@EnableWebMvc
class WebServerConfiguration implements WebMvcConfigurer {
  /** A refused body is read to this length, and thrown away, so that its sender gets to see the refusal. */
  private static final int SWALLOWED_BYTES = 64 << 20;

  @Bean
  TomcatServletWebServerFactory webServer(GatewayConfiguration configuration) throws UnknownHostException {
    TomcatServletWebServerFactory factory = TomcatSetup.factory(configuration.host(), configuration.port(),
        RefusedHttp.class);
    factory.setShutdown(Shutdown.GRACEFUL);
    factory.addEngineValves(new ClientConnection.Valve());
    factory.addConnectorCustomizers(connector -> {
      if (connector.getProtocolHandler() instanceof AbstractHttp11Protocol<?> http) {
        http.setMaxSwallowSize(SWALLOWED_BYTES);
        http.setContinueResponseTiming("onRead");
      }
    });
    return factory;
  }

  @Bean
  DispatcherServlet dispatcherServlet() {
    return new DispatcherServlet();
  }

  @Bean
  DefaultLifecycleProcessor lifecycleProcessor(GatewayConfiguration configuration) {
    DefaultLifecycleProcessor processor = new DefaultLifecycleProcessor();
    Duration longest = configuration.shutdownTimeout().plus(EngineDrain.LAST_WORDS);
    processor.setTimeoutPerShutdownPhase(longest.toMillis());
    return processor;
  }

  @Bean
  EngineDrain engineDrain(ModelVersions versions, GatewayConfiguration configuration) {
    return new EngineDrain(versions.all().stream().map(version -> version.model().engine()).toList(),
        configuration.shutdownTimeout());
  }

  /** Leaves every failure to the filter that answers all of them. */
  @Override
  public void configureHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
    resolvers.add((request, response, handler, failure) -> null);
  }
}
