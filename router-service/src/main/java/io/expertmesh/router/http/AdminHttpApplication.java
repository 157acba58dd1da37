package io.expertmesh.router.http;

import io.expertmesh.router.admin.Access;
import io.expertmesh.router.control.ControlSession;
import io.expertmesh.router.metrics.RouterCounters;
import io.expertmesh.transport.RefusedCallers;
import io.expertmesh.web.MetricsController;
import io.expertmesh.web.ServiceMetrics;
import io.expertmesh.web.TomcatSetup;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import jakarta.servlet.Filter;
import java.net.UnknownHostException;
import java.util.List;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Tomcat on virtual threads with Spring MVC in it, set up by hand so that it starts quickly. */
@Configuration(proxyBeanMethods = false)
@ComponentScan
@Import(MetricsController.class)
@EnableWebMvc
class AdminHttpApplication implements WebMvcConfigurer {
  @Bean
  TomcatServletWebServerFactory webServer(AdminHttpServer.Address address) throws UnknownHostException {
    return TomcatSetup.factory(address.host(), address.port(), RefusedHttp.class);
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
  PrometheusMeterRegistry meterRegistry(ControlSession control, RouterCounters counters, RefusedCallers refused) {
    return ServiceMetrics.registry(List.of(new RouterCollector(control, counters, refused)));
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
