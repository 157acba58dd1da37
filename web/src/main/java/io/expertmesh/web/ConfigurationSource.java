package io.expertmesh.web;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.convert.ApplicationConversionService;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.FileSystemResource;

/**
 * Reads a service's settings with Spring Boot's rules. What is said first wins: options, then environment variables
 * ({@code EXPERTMESH_MAXBODY=8MB}), then the YAML file, then the defaults.
 *
 * @param prefix of the names of all settings, such as {@code expertmesh.router}
 * @param type a record with a component for each setting
 */
public record ConfigurationSource<T>(String prefix, Class<T> type) {
  /**
   * @param options full names, such as {@code expertmesh.port}
   * @param file a YAML file, if there is one
   * @throws FailureException INVALID_REQUEST naming the setting
   */
  public T read(Map<String, ?> options, @Nullable Path file) {
    MutablePropertySources sources = new MutablePropertySources();
    sources.addLast(new MapPropertySource("options", Map.copyOf(options)));
    sources.addLast(new SystemEnvironmentPropertySource(
        StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, Map.copyOf(System.getenv())));
    if (file != null) {
      List<PropertySource<?>> documents = load(file);
      MutablePropertySources fileOnly = new MutablePropertySources();
      documents.forEach(fileOnly::addLast);
      refuseUnknownSettings(fileOnly, file);
      documents.forEach(sources::addLast);
    }
    try {
      return binder(sources).bindOrCreate(prefix, Bindable.of(type));
    } catch (BindException wrong) {
      throw failure(wrong, "");
    }
  }

  private static List<PropertySource<?>> load(Path file) {
    try {
      return new YamlPropertySourceLoader().load(file.toString(), new FileSystemResource(file));
    } catch (IOException | RuntimeException unreadable) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The configuration file %s cannot be read: %s".formatted(file, unreadable.getMessage()), unreadable);
    }
  }

  private void refuseUnknownSettings(MutablePropertySources file, Path path) {
    try {
      binder(file).bind(prefix, Bindable.of(type), new NoUnboundElementsBindHandler(BindHandler.DEFAULT));
    } catch (BindException wrong) {
      throw failure(wrong, " (in " + path + ")");
    }
  }

  private static Binder binder(MutablePropertySources sources) {
    return new Binder(ConfigurationPropertySources.from(sources), null,
        ApplicationConversionService.getSharedInstance());
  }

  private static FailureException failure(BindException wrong, String where) {
    Throwable cause = wrong;
    while (cause.getCause() != null) {
      cause = cause.getCause();
      if (cause instanceof FailureException known) {
        return known;
      }
    }
    return FailureException.invalidParameter(wrong.getName().toString(),
        "The setting %s is wrong%s: %s".formatted(wrong.getName(), where, cause.getMessage()));
  }
}
