package io.expertmesh.transport;

import io.expertmesh.proto.v1.AdminServiceGrpc;
import io.expertmesh.proto.v1.ExpertServiceGrpc;
import io.expertmesh.proto.v1.RegistryServiceGrpc;
import io.expertmesh.transport.RefusedCallers.Reason;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Lets a call through if the caller's certificate names a role that may make it. What is not listed nobody may call. */
final class RequireRole implements ServerInterceptor {
  /** Open to every certificate of the CA. Operators' calls carry a key besides, which the router checks. */
  private static final Set<String> OPEN_SERVICES = Set.of(HealthGrpc.SERVICE_NAME, ServerReflectionGrpc.SERVICE_NAME,
      AdminServiceGrpc.SERVICE_NAME);

  private static final Map<String, Set<Role>> CALLERS = Map.of(
      ExpertServiceGrpc.getForwardMethod().getFullMethodName(), Set.of(Role.GATEWAY),
      ExpertServiceGrpc.getDescribeMethod().getFullMethodName(), Set.of(Role.GATEWAY, Role.ROUTER),
      RegistryServiceGrpc.getRegisterMethod().getFullMethodName(), Set.of(Role.EXPERT),
      RegistryServiceGrpc.getWatchRoutingTableMethod().getFullMethodName(), Set.of(Role.GATEWAY));

  private final RefusedCallers refused;

  RequireRole(RefusedCallers refused) {
    this.refused = refused;
  }

  @Override
  public <Q, S> ServerCall.Listener<Q> interceptCall(ServerCall<Q, S> call, Metadata headers,
      ServerCallHandler<Q, S> next) {
    String method = call.getMethodDescriptor().getFullMethodName();
    if (OPEN_SERVICES.contains(String.valueOf(call.getMethodDescriptor().getServiceName()))) {
      return next.startCall(call, headers);
    }
    List<String> names = names(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
    Set<Role> callers = CALLERS.getOrDefault(method, Set.of());
    for (Role role : callers) {
      if (names.contains(role.dnsName())) {
        return next.startCall(call, headers);
      }
    }
    String refusal = "%s may be called by %s; the caller's certificate is for %s.".formatted(method, inWords(callers),
        CertificateNames.inWords(names));
    refused.refused(String.valueOf(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)), Reason.ROLE, refusal);
    call.close(Status.PERMISSION_DENIED.withDescription(refusal), new Metadata());
    return new ServerCall.Listener<>() {};
  }

  private static List<String> names(@Nullable SSLSession session) {
    try {
      return session != null && session.getPeerCertificates()[0] instanceof X509Certificate certificate
          ? CertificateNames.of(certificate)
          : List.of();
    } catch (SSLPeerUnverifiedException none) {
      return List.of();
    }
  }

  private static String inWords(Set<Role> roles) {
    return roles.isEmpty()
        ? "nobody"
        : roles.stream().map(Role::dnsName).sorted().collect(Collectors.joining(" or "));
  }
}
