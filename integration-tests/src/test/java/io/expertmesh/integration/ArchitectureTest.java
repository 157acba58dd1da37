package io.expertmesh.integration;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The module table as rules. */
class ArchitectureTest {
  private static final JavaClasses CLASSES = new ClassFileImporter()
      .withImportOption(new ImportOption.DoNotIncludeTests())
      .importPackages("io.expertmesh");

  private static final String[] FRAMEWORKS = {"org.springframework..", "io.grpc..", "io.micrometer..",
      "io.prometheus..", "jakarta..", "org.apache..", "picocli..", "io.github.resilience4j..", "io.opentelemetry.."};

  @Test
  void modulesUseOnlyThoseBelowThem() {
    layeredArchitecture().consideringOnlyDependenciesInLayers()
        .layer("kernels").definedBy("io.expertmesh.kernels..")
        .layer("model").definedBy("io.expertmesh.model..")
        .layer("engine").definedBy("io.expertmesh.engine..")
        .layer("proto").definedBy("io.expertmesh.proto..")
        .layer("telemetry").definedBy("io.expertmesh.telemetry..")
        .layer("transport").definedBy("io.expertmesh.transport..")
        .layer("web").definedBy("io.expertmesh.web..")
        .layer("gateway").definedBy("io.expertmesh.gateway..")
        .layer("expert").definedBy("io.expertmesh.expert..")
        .layer("router").definedBy("io.expertmesh.router..")
        .layer("simulator").definedBy("io.expertmesh.simulator..")
        .layer("cli").definedBy("io.expertmesh.cli..")
        .whereLayer("cli").mayNotBeAccessedByAnyLayer()
        .whereLayer("gateway").mayOnlyBeAccessedByLayers("cli")
        .whereLayer("expert").mayOnlyBeAccessedByLayers("cli")
        .whereLayer("router").mayOnlyBeAccessedByLayers("cli")
        .whereLayer("simulator").mayOnlyBeAccessedByLayers("cli")
        .whereLayer("engine").mayOnlyBeAccessedByLayers("gateway", "cli")
        .whereLayer("web").mayOnlyBeAccessedByLayers("gateway", "router")
        .whereLayer("telemetry").mayOnlyBeAccessedByLayers("gateway", "expert", "cli")
        .whereLayer("transport").mayOnlyBeAccessedByLayers("gateway", "expert", "router", "cli")
        .whereLayer("proto").mayOnlyBeAccessedByLayers("transport", "gateway", "expert", "router", "cli")
        .whereLayer("model")
        .mayOnlyBeAccessedByLayers("engine", "telemetry", "transport", "web", "gateway", "expert", "router",
            "simulator",
            "cli")
        .whereLayer("kernels").mayOnlyBeAccessedByLayers("model", "engine", "gateway", "expert", "cli")
        .because("a reader finds the room of a line of code from the module table, and each module is testable alone")
        .check(CLASSES);
  }

  @Test
  void theCoreKnowsNoFramework() {
    noClasses().that().resideInAnyPackage("io.expertmesh.kernels..", "io.expertmesh.model..", "io.expertmesh.engine..")
        .should().dependOnClassesThat().resideInAnyPackage(FRAMEWORKS)
        .because("the engine must run in any process: a server, a command, an expert shard, a benchmark")
        .check(CLASSES);
  }

  @Test
  void theSimulatorKnowsNoServiceAndNoFramework() {
    noClasses().that().resideInAPackage("io.expertmesh.simulator..")
        .should().dependOnClassesThat().resideInAnyPackage(FRAMEWORKS)
        .orShould().dependOnClassesThat().resideInAnyPackage("io.expertmesh.proto..", "io.expertmesh.transport..")
        .because("what it says about a cluster must not need one, and is compared with the services in tests alone")
        .check(CLASSES);
  }

  @Test
  void kernelsNeedOnlyTheJdk() {
    classes().that().resideInAPackage("io.expertmesh.kernels..")
        .should().onlyDependOnClassesThat()
        .resideInAnyPackage("java..", "jdk.incubator.vector..", "io.expertmesh.kernels..", "org.jspecify..",
            "org.slf4j..", "com.google.errorprone.annotations..")
        .because("arithmetic that defines the model's answers must not change with a library's version")
        .check(CLASSES);
  }

  @Test
  void theHttpLayerDoesNotReachIntoTheEngine() {
    noClasses().that().resideInAPackage("io.expertmesh.gateway..")
        .and().resideOutsideOfPackage("io.expertmesh.gateway.remote..")
        .should().dependOnClassesThat()
        .resideInAnyPackage("io.expertmesh.engine.schedule..", "io.expertmesh.engine.decoder..",
            "io.expertmesh.engine.kvcache..", "io.expertmesh.engine.sampling..", "io.expertmesh.engine.experts..")
        .because("the same gateway serves engines whose experts are elsewhere; it knows requests, events and text")
        .check(CLASSES);
  }

  @Test
  void errorsAreMappedInOnePlace() {
    noClasses().that().resideInAPackage("io.expertmesh.gateway..")
        .and().doNotHaveFullyQualifiedName("io.expertmesh.gateway.http.ErrorMapping")
        .and().doNotHaveFullyQualifiedName("io.expertmesh.gateway.http.ErrorMapping$1")
        .and().resideOutsideOfPackage("io.expertmesh.gateway")
        .should().callMethod(io.expertmesh.model.failure.FailureException.class, "category")
        .because("a failure must have the same status wherever it happens")
        .check(CLASSES);
  }

  @Test
  void packagesOfTheCoreHaveNoCycles() {
    slices().matching("io.expertmesh.kernels.(*)..").should().beFreeOfCycles().allowEmptyShould(true).check(CLASSES);
    slices().matching("io.expertmesh.engine.(*)..").should().beFreeOfCycles()
        .because("what depends on everything cannot be understood or replaced by itself")
        .check(CLASSES);
  }
}
