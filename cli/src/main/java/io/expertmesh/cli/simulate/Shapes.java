package io.expertmesh.cli.simulate;

import io.expertmesh.cli.inspect.Inspection;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.simulator.ModelShape;

/** Models as the simulator sees them. */
public final class Shapes {
  private Shapes() {}

  /** @throws FailureException INVALID_REQUEST if there is nothing to scale in it, or it has an encoder */
  public static ModelShape of(Inspection model, String name) {
    if (model.experts() <= model.topK() || model.encoderLayers() > 0) {
      throw FailureException.invalidParameter("--model",
          "%s has %s; simulated are decoders of which a token visits a part of the experts".formatted(name,
              model.encoderLayers() > 0
                  ? "an encoder"
                  : model.experts() + " experts of which a token visits "
                      + model.topK()));
    }
    int layers = model.moeLayers();
    long unvisited = (long) (model.experts() - model.topK()) * layers;
    long expertParameters = (model.parameters() - model.activeParameters()) / unvisited;
    long expertBytes = model.expertGroupBytes() / layers;
    long read = model.activeBytes() - model.topK() * model.expertGroupBytes();
    double bytesPerWeight = (double) expertBytes / expertParameters;
    long denseParameters = model.expertDtype() == null
        ? Math.min((long) (read / bytesPerWeight), model.activeParameters())
        : model.activeParameters() - (long) model.topK() * layers * expertParameters;
    return new ModelShape(name, layers, model.experts(), model.topK(), model.hiddenSize(), expertBytes,
        expertParameters, model.sharedBytes(), read, denseParameters, model.cacheBytesPerToken());
  }
}
