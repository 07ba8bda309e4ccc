import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.temporal.internal.testservice.GRPCServerHelper;
import io.temporal.internal.testservice.TestServicesStarter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * Temporal's time-skipping test server on loopback alone: its own main listens on every address.
 */
public final class LoopbackTestServer {
  private static final long GRACE_SECONDS = 5;

  private LoopbackTestServer() {}

  /** PORT [--enable-time-skipping], as the SDKs start Temporal's own. */
  public static void main(String[] arguments) throws IOException {
    int port = Integer.parseInt(arguments[0]);
    boolean skips = arguments.length > 1 && arguments[1].equals("--enable-time-skipping");
    TestServicesStarter services = new TestServicesStarter(!skips, 0);
    ServerBuilder<?> builder =
        NettyServerBuilder.forAddress(
            new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port),
            InsecureServerCredentials.create());
    GRPCServerHelper.registerServicesAndHealthChecks(services.getServices(), builder);
    Server server = builder.build().start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, services)));
  }

  private static void stop(Server server, TestServicesStarter services) {
    server.shutdown();
    try {
      server.awaitTermination(GRACE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    services.close();
    server.shutdownNow();
  }
}
