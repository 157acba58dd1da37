#!/usr/bin/env node
// Many streaming clients, some of which hang up half-way: does the server stay whole?
//
//   node soak.mjs [--clients 32] [--seconds 120] [--hang-up 0.33] [--model MODEL] [--port 8093] [--json]
//                 [--shards 2 --replicas 2 [--kill-every SECONDS]]
//
// Starts ./expertmesh serve, or ./expertmesh cluster if --shards is given, lets every client ask one question after the other
// over a connection of its own, and watches the processes' memory, threads and open files. --kill-every kills an expert
// process every so often. Ends with exit code 1 if a request failed, if a cache page is still held when all is quiet, or if
// the server did not end cleanly. Needs Node 20 or newer, nothing else.
import {spawn} from "node:child_process";
import {readdirSync, readFileSync} from "node:fs";
import {cpus} from "node:os";
import {dirname, join} from "node:path";
import {setTimeout as sleep} from "node:timers/promises";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";

const {values: options} = parseArgs({
    options: {
        clients: {type: "string", default: "32"},
        seconds: {type: "string", default: "120"},
        "hang-up": {type: "string", default: "0.33"},
        model: {type: "string"},
        port: {type: "string", default: "8093"},
        shards: {type: "string"},
        replicas: {type: "string", default: "1"},
        "kill-every": {type: "string"},
        json: {type: "boolean", default: false}
    }
});
const questions = ["What is 17 + 25?", "What does the gateway do?", "How do you say river in French?", "Write a Java method called square.",
    "Tell me a short story.", "What is an expert?", "What is 8 * 7?", "Write a JSON record."];
const url = `http://127.0.0.1:${options.port}`;
const home = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const count = {completed: 0, hungUp: 0, failed: 0, tokens: 0};
const firstTokenMillis = [];
const failures = [];
const samples = [];
const killed = [];

const model = options.model ? ["--model", options.model] : [];
const command = options.shards
    ? ["cluster", "--shards", options.shards, "--replicas", options.replicas, "--grpc-port", "0", "--port", options.port, ...model]
    : ["serve", "--port", options.port, ...model];
const server = spawn(join(home, "expertmesh"), command, {stdio: ["ignore", options.shards ? "pipe" : "inherit", "inherit"]});
const ended = new Promise((resolve) => server.on("close", resolve));
let cluster;
try {
    if (options.shards)
        cluster = JSON.parse(await new Promise((resolve, reject) => {
            server.stdout.once("data", resolve);
            server.once("close", () => reject(new Error("the cluster did not start")));
        }));
    await ready();
    const start = Date.now();
    const deadline = start + Number(options.seconds) * 1000;
    const watch = setInterval(() => samples.push({seconds: Math.round((Date.now() - start) / 1000), processes: processes()}), 5000);
    const killing = options["kill-every"] ? setInterval(kill, Number(options["kill-every"]) * 1000) : undefined;
    await Promise.all(Array.from({length: Number(options.clients)}, (_, i) => client(i, deadline)));
    clearInterval(watch);
    clearInterval(killing);
} finally {
    await sleep(500);
    await report();
}

/** What each process holds, by its name. */
function processes() {
    if (!cluster)
        return {server: holds(server.pid)};
    const all = {gateway: holds(cluster.gateway.pid), router: holds(cluster.router.pid)};
    for (const {group, replica, pid} of cluster.experts)
        all[`expert-${group}-${replica}`] = holds(pid);
    return all;
}

/** Resident MiB, threads and open files; undefined if the process is gone. */
function holds(pid) {
    try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        return {
            mib: Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 1024),
            threads: Number(/Threads:\s+(\d+)/.exec(status)[1]),
            files: readdirSync(`/proc/${pid}/fd`).length
        };
    } catch {
        return undefined;
    }
}

/** Kills one expert process after the other; the router knows their present ids. */
async function kill() {
    const state = await fetch(`${cluster.router.http}/v1/admin/state`).then((answer) => answer.json());
    const alive = state.processes.map((process) => process.registration).sort((a, b) => a.name.localeCompare(b.name));
    const victim = alive[killed.length % alive.length];
    if (alive.length === cluster.experts.length) {
        process.kill(victim.pid, "SIGKILL");
        killed.push(victim.name);
    }
}

async function ready() {
    for (let i = 0; i < 600; i++) {
        const answer = await fetch(`${url}/health`).catch(() => undefined);
        if (answer?.ok)
            return;
        await sleep(500);
    }
    throw new Error("the server did not become ready within five minutes");
}

/** One client: question after question until the deadline. */
async function client(number, deadline) {
    for (let turn = 0; Date.now() < deadline; turn++) {
        const hangsUp = (number * 31 + turn * 17) % 100 < Number(options["hang-up"]) * 100;
        try {
            await ask(questions[(number + turn) % questions.length], hangsUp ? 3 + turn % 5 : Infinity, turn);
        } catch (error) {
            count.failed++;
            failures.push(String(error.cause ?? error));
        }
    }
}

/** One streamed answer; the client hangs up after `patience` tokens. */
async function ask(question, patience, seed) {
    const hangUp = new AbortController();
    const start = performance.now();
    const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: {"content-type": "application/json"},
        body: JSON.stringify({messages: [{role: "user", content: question}], stream: true, max_tokens: 64, seed, temperature: 0.7}),
        signal: hangUp.signal
    });
    if (!response.ok)
        throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    let tokens = 0;
    let text = "";
    const tokenArrived = () => {
        if (tokens++ === 0)
            firstTokenMillis.push(performance.now() - start);
    };
    let finished = false;
    try {
        for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
            text += chunk;
            const events = text.split("\n\n");
            text = events.pop();
            for (const event of events) {
                if (event === "data: [DONE]") {
                    finished = true;
                } else if (event.startsWith("data: ")) {
                    const data = JSON.parse(event.slice(6));
                    if (data.error)
                        throw new Error(JSON.stringify(data.error));
                    if (data.choices?.[0]?.delta?.content)
                        tokenArrived();
                }
            }
            if (tokens >= patience) {
                hangUp.abort();
                break;
            }
        }
    } catch (error) {
        if (!hangUp.signal.aborted)
            throw error;
    }
    count.tokens += tokens;
    if (hangUp.signal.aborted)
        count.hungUp++;
    else if (finished)
        count.completed++;
    else
        throw new Error("the stream ended without data: [DONE]");
}

async function report() {
    const metrics = await fetch(`${url}/metrics`).then((answer) => answer.text()).catch(() => "");
    const used = Number(/^vllm:kv_cache_usage_perc(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1] ?? NaN);
    server.kill("SIGTERM");
    const exitCode = await Promise.race([ended, sleep(30_000).then(() => "none within 30 s")]);
    const last = samples.at(-1)?.processes ?? {};
    const middle = samples[Math.floor(samples.length / 2)]?.processes ?? {};
    const result = {
        cpu: cpus()[0].model,
        clients: Number(options.clients),
        seconds: Number(options.seconds),
        ...count,
        first_token_ms_p50: percentile(firstTokenMillis, 0.5),
        first_token_ms_p99: percentile(firstTokenMillis, 0.99),
        kv_cache_used_at_the_end: used,
        killed: killed.length,
        held: Object.fromEntries(Object.keys(last).map((name) => [name, {start: samples[0].processes[name], middle: middle[name], end: last[name]}])),
        exit_code_after_sigterm: exitCode,
        failures: [...new Set(failures)].slice(0, 5)
    };
    console.log(options.json ? JSON.stringify(result) : result);
    // 143 = 128 + SIGTERM: how a JVM ends after its shutdown hooks ran.
    process.exit(count.failed === 0 && used === 0 && [0, 143].includes(exitCode) ? 0 : 1);
}

function percentile(values, share) {
    const sorted = values.toSorted((a, b) => a - b);
    return sorted.length === 0 ? null : Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
}
