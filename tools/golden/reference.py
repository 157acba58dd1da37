"""Records what a Hugging Face model really computes, by hooks on its modules. Nothing of the model is computed here a second time."""

import torch

GREEDY_TOKENS = 24


class Recorder:
    """Context manager: while it is open, every forward pass of an OLMoE model leaves its intermediate tensors in `tensors`."""

    def __init__(self, model):
        self.tensors = {}
        self.router_margin = float("inf")
        self._top_k = model.config.num_experts_per_tok
        self._handles = []
        self._watch(model)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self._handles:
            handle.remove()

    def _watch(self, model):
        decoder = model.model
        self._keep_output(decoder.embed_tokens, "embeddings")
        for n, layer in enumerate(decoder.layers):
            self._keep_input(layer.post_attention_layernorm, f"layers.{n}.attention_residual")
            self._handles.append(layer.mlp.gate.register_forward_hook(self._keep_routing(n)))
            self._keep_output(layer.mlp, f"layers.{n}.expert_output")
            self._keep_output(layer, f"layers.{n}.output")
        self._keep_output(decoder.norm, "final_norm")
        self._keep_output(model.lm_head, "logits")

    def _keep_output(self, module, name):
        self._handles.append(module.register_forward_hook(lambda _, inputs, output: self._put(name, output)))

    def _keep_input(self, module, name):
        self._handles.append(module.register_forward_pre_hook(lambda _, inputs: self._put(name, inputs[0])))

    def _keep_routing(self, n):
        def hook(gate, inputs, output):
            router_logits, weights, expert_ids = output
            self._put(f"layers.{n}.gate_weights", weights)
            self.tensors[f"layers.{n}.expert_ids"] = expert_ids.to(torch.int32).clone()
            ranked = router_logits.float().sort(dim=-1, descending=True).values[:, : self._top_k + 1]
            self.router_margin = min(self.router_margin, (ranked[:, :-1] - ranked[:, 1:]).min().item())

        return hook

    def _put(self, name, tensor):
        # (1, tokens, width) or (tokens, k) -> (tokens, width); cloned, since the model may go on to change it in place
        self.tensors[name] = tensor.detach().reshape(-1, tensor.shape[-1]).to(torch.float32).clone()


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
