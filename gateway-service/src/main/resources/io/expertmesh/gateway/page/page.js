"use strict";
const $ = id => document.getElementById(id);
const chat = $("chat");
const input = $("input");
const hint = $("hint");
let messages = [];
let running = null;

$("key").value = sessionStorage.getItem("key") || "";
$("key").addEventListener("change", () => { sessionStorage.setItem("key", $("key").value); showModel(); });
$("reset").addEventListener("click", () => { running?.abort(); messages = []; chat.replaceChildren(hint); input.focus(); });
document.querySelectorAll(".try").forEach(button => button.addEventListener("click", () => ask(button.textContent)));
$("form").addEventListener("submit", event => {
  event.preventDefault();
  if (running) { running.abort(); return; }
  const text = input.value.trim();
  if (text) { input.value = ""; fit(); ask(text); }
});
input.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("form").requestSubmit(); }
});
input.addEventListener("input", fit);
showModel();

function fit() {
  input.style.height = "auto";
  input.style.height = input.scrollHeight + input.offsetHeight - input.clientHeight + "px";
}

function headers() {
  const key = $("key").value.trim();
  return key ? { "Content-Type": "application/json", Authorization: "Bearer " + key } : { "Content-Type": "application/json" };
}

async function showModel() {
  const response = await fetch("v1/models", { headers: headers() });
  const model = response.ok ? (await response.json()).data[0].id : null;
  $("model").textContent = model ?? "needs an API key (see Settings)";
  hint.firstElementChild.hidden = model !== "demo";
}

function show(kind, text) {
  hint.remove();
  const element = document.createElement("div");
  element.className = kind;
  element.textContent = text;
  chat.append(element);
  chat.scrollTop = chat.scrollHeight;
  return element;
}

async function ask(text) {
  if (running) return;
  running = new AbortController();
  $("send").textContent = "Stop";
  show("message user", text);
  const answer = show("message", "");
  const turn = [...messages, { role: "user", content: text }];
  const started = performance.now();
  try {
    const end = await complete(turn, running.signal, piece => {
      answer.textContent += piece;
      chat.scrollTop = chat.scrollHeight;
    });
    const seconds = (performance.now() - started) / 1000;
    const meta = show("meta", `${end.usage.completion_tokens} tokens in ${seconds.toFixed(1)} s` + (end.reason === "length" ? ", cut at the limit" : ""));
    if (end.routing) meta.append("; which experts worked, layer by layer:", heatmap(end.routing));
  } catch (failure) {
    if (failure.name !== "AbortError") show("message error", failure.message);
    else if (answer.isConnected) show("meta", "stopped");
  }
  // It is not connected if a new chat has begun.
  if (answer.isConnected && answer.textContent) messages = [...turn, { role: "assistant", content: answer.textContent }];
  else answer.remove();
  running = null;
  $("send").textContent = "Send";
  chat.scrollTop = chat.scrollHeight;
}

async function complete(turn, signal, onText) {
  const body = { messages: turn, stream: true, stream_options: { include_usage: true }, return_routing: $("routing").checked };
  if ($("temperature").value) body.temperature = Number($("temperature").value);
  if ($("tokens").value) body.max_tokens = Number($("tokens").value);
  const response = await fetch("v1/chat/completions", { method: "POST", headers: headers(), body: JSON.stringify(body), signal });
  if (!response.ok) throw new Error((await response.json()).error.message);
  const end = { usage: { completion_tokens: 0 }, reason: "", routing: null };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return end;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const chunk = JSON.parse(line.slice(6));
      if (chunk.error) throw new Error(chunk.error.message);
      if (chunk.usage) end.usage = chunk.usage;
      const choice = chunk.choices[0];
      if (choice?.delta.content) onText(choice.delta.content);
      if (choice?.finish_reason) Object.assign(end, { reason: choice.finish_reason, routing: choice.routing });
    }
  }
}

/* One row per layer, one column per expert; the darker, the more of the conversation's tokens went there. */
function heatmap(routing) {
  const layers = routing.moe_layers.length;
  const experts = 1 + Math.max(...routing.experts.flat(2));
  const counts = Array.from({ length: layers }, () => new Array(experts).fill(0));
  for (const token of routing.experts) token.forEach((ids, layer) => ids.forEach(id => counts[layer][id]++));
  const most = Math.max(1, ...counts.flat());
  const cell = Math.max(4, Math.min(12, Math.floor(640 / experts)));
  const canvas = document.createElement("canvas");
  canvas.width = experts * cell;
  canvas.height = layers * cell;
  canvas.title = `${routing.experts.length} tokens over ${layers} layers (rows) and ${experts} experts (columns)`;
  const drawing = canvas.getContext("2d");
  counts.forEach((row, y) => row.forEach((count, x) => {
    drawing.fillStyle = `rgba(31, 95, 191, ${(count / most).toFixed(3)})`;
    drawing.fillRect(x * cell, y * cell, cell, cell);
  }));
  return canvas;
}
