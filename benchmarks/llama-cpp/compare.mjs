#!/usr/bin/env node
// ExpertMesh beside llama.cpp: the same GGUF file, prompt length and threads, the two taking turns.
//
//   node compare.mjs --model FILE.gguf [--prompt 256] [--generate 64] [--threads 2] [--rounds 3] [--json]
//
// Machines are shared and their speed drifts, so only the ratio of neighbouring runs means anything: each round measures both,
// the order alternates, and what is reported is the median of the rounds' ratios.
import {spawn, spawnSync} from "node:child_process";
import {readFileSync, statSync} from "node:fs";
import {cpus} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const {values: options} = parseArgs({
    options: {
        model: {type: "string"},
        prompt: {type: "string", default: "256"},
        generate: {type: "string", default: "64"},
        threads: {type: "string", default: "2"},
        rounds: {type: "string", default: "3"},
        json: {type: "boolean", default: false}
    }
});
if (options.model === undefined) {
    console.error("compare: --model FILE.gguf is missing; ./expertmesh synth and convert write such files");
    process.exit(2);
}
const shared = ["--model", options.model, "--prompt", options.prompt, "--generate", options.generate, "--threads", options.threads];
const engines = {
    expertmesh: [join(here, "..", "..", "expertmesh"), ["bench", ...shared, "--repeat", "1", "--json"]],
    "llama.cpp": [process.execPath, [join(here, "bench.mjs"), ...shared, "--repeat", "1"]]
};

spawnSync(engines.expertmesh[0], ["--version"]); // builds, if nothing is built yet
const rounds = [];
for (let round = 0; round < Number(options.rounds); round++) {
    const order = round % 2 === 0 ? ["expertmesh", "llama.cpp"] : ["llama.cpp", "expertmesh"];
    const result = {};
    for (const engine of order)
        result[engine] = await run(engine);
    rounds.push(result);
    if (!options.json)
        console.log(`round ${round + 1}: ` + order.toSorted().map((engine) => `${engine} prefill ${result[engine].prefill.toFixed(1)}, ` +
            `decode ${result[engine].decode.toFixed(2)} tok/s`).join("; "));
}
const ratio = (what) => median(rounds.map((round) => round.expertmesh[what] / round["llama.cpp"][what]));
const report = {
    cpu: cpus()[0].model,
    model: options.model,
    prompt: Number(options.prompt),
    generate: Number(options.generate),
    threads: Number(options.threads),
    rounds,
    prefill_ratio: ratio("prefill"),
    decode_ratio: ratio("decode"),
    model_bytes: statSync(options.model).size,
    expertmesh_resident_bytes: Math.max(...rounds.map((round) => round.expertmesh.residentBytes))
};
console.log(options.json
    ? JSON.stringify(report)
    : `${report.cpu}, ${report.threads} threads: expertmesh / llama.cpp prefill ${report.prefill_ratio.toFixed(2)}, decode ` +
        `${report.decode_ratio.toFixed(2)}; expertmesh resident ${gib(report.expertmesh_resident_bytes)} for a file of ${gib(report.model_bytes)}`);

/** One run of an engine: tokens per second, and the most memory that it held (Linux only, else 0). */
function run(engine) {
    return new Promise((resolve, reject) => {
        const child = spawn(...engines[engine], {stdio: ["ignore", "pipe", "inherit"]});
        let output = "";
        let residentBytes = 0;
        child.stdout.on("data", (data) => output += data);
        const timer = setInterval(() => residentBytes = Math.max(residentBytes, peakResidentBytes(child.pid)), 200);
        child.on("error", reject);
        child.on("close", (code) => {
            clearInterval(timer);
            if (code !== 0)
                return reject(new Error(`${engine} ended with exit code ${code}`));
            const report = JSON.parse(output);
            resolve({prefill: report.prefill_tokens_per_s, decode: report.decode_tokens_per_s, residentBytes});
        });
    });
}

function peakResidentBytes(pid) {
    try {
        return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
        return 0; // it has just ended, or this is not Linux
    }
}

function median(values) {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function gib(bytes) {
    return (bytes / 2 ** 30).toFixed(2) + " GiB";
}
