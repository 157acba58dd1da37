"""Records what a Hugging Face model really computes, by hooks on its modules. Nothing of the model is computed here a second time."""

from dataclasses import dataclass

import torch
from torch.overrides import TorchFunctionMode

GREEDY_TOKENS = 24


@dataclass(frozen=True)
class Names:
    """Where a family keeps what is recorded."""

    feed_forward: str = "mlp"  # of a decoder layer
    router: str = "gate"  # of a sparse feed-forward
    post_norm: bool = False  # the norms follow attention and feed-forward, so the feed-forward reads the residual stream


NAMES = {
    "flex_olmo": Names(post_norm=True),
    "gpt_oss": Names(router="router"),
    "granitemoe": Names(feed_forward="block_sparse_moe", router="router"),
    "olmo2": Names(post_norm=True),
    "phimoe": Names(router="router"),
}


class Recorder:
    """Context manager: while it is open, every forward pass of a decoder leaves its intermediate tensors in `tensors`."""

    def __init__(self, model):
        self.tensors = {}
        self.router_margin = float("inf")
        self._names = NAMES.get(model.config.model_type, Names())
        self._handles = []
        self._watch(model)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self._handles:
            handle.remove()

    def _watch(self, model):
        decoder = model.model
        self._keep_input(decoder.layers[0], "embeddings")
        for n, layer in enumerate(decoder.layers):
            feed_forward = getattr(layer, self._names.feed_forward)
            after_attention = feed_forward if self._names.post_norm else layer.post_attention_layernorm
            self._keep_input(after_attention, f"layers.{n}.attention_residual")
            if hasattr(feed_forward, "experts"):
                Routing(self, n, getattr(feed_forward, self._names.router), feed_forward.experts)
                self._keep_output(feed_forward, f"layers.{n}.expert_output")
            else:
                self._keep_output(feed_forward, f"layers.{n}.feed_forward_output")
            self._keep_output(layer, f"layers.{n}.output")
        self._keep_output(decoder.norm, "final_norm")
        self.on_output(model, lambda inputs, output: self.put("logits", output.logits))

    def _keep_output(self, module, name):
        self.on_output(module, lambda inputs, output: self.put(name, output[0] if isinstance(output, tuple) else output))

    def _keep_input(self, module, name):
        self.on_input(module, lambda inputs: self.put(name, inputs[0]))

    def on_input(self, module, action):
        # a hook's result would replace the module's input or output
        self._handles.append(module.register_forward_pre_hook(lambda _, inputs: action(inputs) and None))

    def on_output(self, module, action):
        self._handles.append(module.register_forward_hook(lambda _, inputs, output: action(inputs, output) and None))

    def put(self, name, tensor):
        # (1, tokens, width) or (tokens, k) -> (tokens, width); cloned, since the model may go on to change it in place
        self.tensors[name] = tensor.detach().reshape(-1, tensor.shape[-1]).to(torch.float32).clone()


class Routing:
    """Records the routing of layer `n`: what its router says, and that its experts are given the same."""

    def __init__(self, recorder, n, router, experts):
        self._recorder = recorder
        self._layer = f"layers.{n}"
        self._biased = hasattr(router, "e_score_correction_bias")
        self._grouped = getattr(router, "topk_method", None) is not None
        self._decisions = Decisions()
        recorder.on_input(router, lambda inputs: self._decisions.start())
        recorder.on_output(router, self._chosen)
        recorder.on_input(experts, self._applied)

    def _chosen(self, inputs, output):
        self._decisions.stop()
        router_logits, weights, expert_ids = output
        self._output = output
        scores = router_logits.float()
        if self._biased or self._grouped:
            # Such routers rank other numbers than their logits, and leave the order of the chosen ones open.
            scores = self._decisions.ranked[-1][0]
            order = scores.gather(1, expert_ids).argsort(dim=-1, descending=True, stable=True)
            weights, expert_ids = weights.gather(1, order), expert_ids.gather(1, order)
        self._recorder.put(f"{self._layer}.gate_weights", weights)
        self._recorder.tensors[f"{self._layer}.expert_ids"] = expert_ids.to(torch.int32).clone()
        self._narrowest(scores, expert_ids.shape[-1])
        if len(self._decisions.ranked) > 1:
            groups, count = self._decisions.ranked[-2]
            if groups.shape[-1] > 1:
                self._narrowest(groups, count)
        for gap in self._decisions.thresholds:
            self._recorder.router_margin = min(self._recorder.router_margin, gap)

    def _narrowest(self, scores, count):
        ranked = (scores if self._biased or not self._grouped else scores.log()).sort(dim=-1, descending=True).values
        gaps = ranked[:, :-1] - ranked[:, 1:]
        self._recorder.router_margin = min(self._recorder.router_margin, gaps[:, :count].nan_to_num(torch.inf, torch.inf).min().item())

    def _applied(self, inputs):
        _, expert_ids, weights = inputs
        if not torch.equal(expert_ids, self._output[2]) or not torch.equal(weights, self._output[1]):
            raise ValueError(f"{self._layer}: the experts are applied with other weights than the router's")


class Decisions(TorchFunctionMode):
    """What a router ranks and compares, seen while it does so."""

    def start(self):
        self.ranked, self.thresholds = [], []
        self.__enter__()

    def stop(self):
        self.__exit__(None, None, None)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.topk, torch.Tensor.topk):
            self.ranked.append((args[0].detach().clone(), args[1] if len(args) > 1 else kwargs["k"]))
        if func in (torch.Tensor.gt, torch.Tensor.__gt__):
            self.thresholds.append((args[0] - args[1]).abs().min().item())
        return func(*args, **kwargs)


@torch.inference_mode()
def record(model, token_ids):
    """-> (every tensor of one forward pass over `token_ids`, the narrowest gap between router logits that decides a rank)."""
    with Recorder(model) as recorder:
        model(input_ids=torch.tensor([token_ids]), use_cache=False)
    tensors = dict(recorder.tensors)
    tensors["logprobs"] = torch.log_softmax(tensors["logits"], dim=-1)
    return tensors, recorder.router_margin


@torch.inference_mode()
def greedy(model, token_ids, count=GREEDY_TOKENS, stop_at=None):
    """-> (greedy continuation up to and with `stop_at`, the lead of the chosen logit at each step, its log-probability)."""
    generated, margins, logprobs = [], [], []
    inputs, cache = token_ids, None
    while len(generated) < count and (stop_at is None or stop_at not in generated):
        step = model(input_ids=torch.tensor([inputs]), past_key_values=cache, use_cache=True)
        logits, cache = step.logits[0, -1].to(torch.float32), step.past_key_values
        first, second = logits.topk(2).values.tolist()
        token = int(logits.argmax())
        generated.append(token)
        margins.append(first - second)
        logprobs.append(float(torch.log_softmax(logits, dim=-1)[token]))
        inputs = [token]
    return generated, margins, logprobs
