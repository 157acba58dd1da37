package io.expertmesh.router.http;

import io.expertmesh.router.admin.Access;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.metrics.RouterCounters;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import jakarta.servlet.Filter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.apache.catalina.core.StandardHost;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.apache.tomcat.util.threads.VirtualThreadExecutor;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Tomcat on virtual threads with Spring MVC in it, set up by hand so that it starts quickly. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@EnableWebMvc
class AdminHttpApplication implements WebMvcConfigurer {
  @Bean
  TomcatServletWebServerFactory webServer(AdminHttpServer.Address address) throws UnknownHostException {
    TomcatServletWebServerFactory factory = new TomcatServletWebServerFactory(address.port());
    factory.setAddress(InetAddress.getByName(address.host()));
    factory.setDisableMBeanRegistry(true);
    factory.setRegisterDefaultServlet(false);
    factory.addContextCustomizers(context -> {
      if (context.getParent() instanceof StandardHost host) {
        host.setErrorReportValveClass(ProtocolErrorValve.class.getName());
      }
    });
    factory.addConnectorCustomizers(connector -> {
      connector.setXpoweredBy(false);
      if (connector.getProtocolHandler() instanceof AbstractHttp11Protocol<?> http) {
        http.setExecutor(new VirtualThreadExecutor("http-"));
        http.setTcpNoDelay(true);
      }
    });
    return factory;
  }

  @Bean
  DispatcherServlet dispatcherServlet() {
    return new DispatcherServlet();
  }

  @Bean
  FilterRegistrationBean<Filter> errors() {
    return filter(1, new ErrorFilter());
  }

  @Bean
  FilterRegistrationBean<Filter> accessCheck(Access access) {
    return filter(2, new AccessFilter(access));
  }

  @Bean(destroyMethod = "close")
  PrometheusMeterRegistry meterRegistry(ControlSession control, RouterCounters counters) {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    registry.getPrometheusRegistry().register(new RouterCollector(control, counters));
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    return registry;
  }

  /** Leaves every failure to the filter that answers all of them. */
  @Override
  public void configureHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
    resolvers.add((request, response, handler, failure) -> null);
  }

  private static FilterRegistrationBean<Filter> filter(int order, Filter filter) {
    FilterRegistrationBean<Filter> registration = new FilterRegistrationBean<>(filter);
    registration.setOrder(order);
    registration.setName(filter.getClass().getSimpleName());
    return registration;
  }
}
