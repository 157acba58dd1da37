#!/usr/bin/env node
// llama.cpp's side of the benchmarks, through node-llama-cpp and its prebuilt CPU library.
//
//   node bench.mjs --model FILE.gguf [--prompt 256] [--generate 64] [--threads 2] [--repeat 3] [--seed 1]
//       measures, and prints one JSON object on standard output
//   node bench.mjs --model FILE.gguf --greedy 5,9,2 [--generate 64] [--threads 2]
//       prints {"engine","model","prompt_token_ids","token_ids"}: the greedy continuation of those ids, nothing added before them
//
// What is timed is what llama.cpp's own llama-bench times. Prefill: evaluating the prompt up to the first token's logits.
// Decode: one token after the other. Both run on random token ids, since a repeated token would send every row to the
// same experts (llama.cpp#6069).
import {spawnSync} from "node:child_process";
import {parseArgs} from "node:util";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

// node-llama-cpp rounds context sizes up to this; asked for here so that what is asked for is what is made.
const CONTEXT_ALIGNMENT = 256;

const options = readOptions();
restartWithOneWorker();
// maxThreads 0 lifts node-llama-cpp's own limit, so that a context has exactly the threads that it was asked for.
const llama = await getLlama({build: "never", gpu: false, maxThreads: 0, logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath: options.model, gpuLayers: 0, useMmap: true});
try {
    const report = options.greedy === undefined ? await benchmark() : await continueGreedily(options.greedy);
    console.log(JSON.stringify(report));
} finally {
    await llama.dispose();
}

async function benchmark() {
    const random = mulberry32(options.seed);
    const context = await openContext(options.prompt + options.generate);
    const sequence = context.getSequence();
    const prefillSamples = [];
    const decodeSamples = [];
    await measure(sequence, random); // warm-up: faults the mapped weights in, repacks them, sizes the buffers
    for (let i = 0; i < options.repeat; i++) {
        const sample = await measure(sequence, random);
        prefillSamples.push(sample.prefillTokensPerSecond);
        decodeSamples.push(sample.decodeTokensPerSecond);
    }
    return {
        engine: "llama.cpp",
        model: options.model,
        prompt: options.prompt,
        generate: options.generate,
        threads: context.currentThreads,
        prefill_tokens_per_s: median(prefillSamples),
        decode_tokens_per_s: median(decodeSamples),
        prefill_samples: prefillSamples,
        decode_samples: decodeSamples,
        llama_cpp: llama.llamaCppRelease,
        system: llama.systemInfo.trim()
    };
}

/**
 * node-llama-cpp evaluates each batch on a worker of libuv's pool, and llama.cpp starts its threads anew from there, which
 * spin while they wait. With several workers, presumably because two of those threads then land on one core, on two cores
 * decoding becomes slower than with one thread. The pool's size is read once, at the start of the process.
 */
function restartWithOneWorker() {
    if (process.env.UV_THREADPOOL_SIZE !== undefined)
        return;
    const env = {...process.env, UV_THREADPOOL_SIZE: "1"};
    const {status} = spawnSync(process.execPath, process.argv.slice(1), {env, stdio: "inherit"});
    process.exit(status ?? 1);
}

/** One prefill of `options.prompt` random ids and `options.generate` decode steps, each fed a random id. */
async function measure(sequence, random) {
    const nextId = () => Math.floor(random() * vocabularySize());
    const prompt = Array.from({length: options.prompt}, nextId);
    await sequence.clearHistory();

    // Each pull evaluates what was passed in last and samples once; passing an id in replaces the sampled one.
    const steps = sequence.evaluate(prompt, {temperature: 0, yieldEogToken: true});
    let start = performance.now();
    await pull(steps);
    const prefillMillis = performance.now() - start;

    start = performance.now();
    for (let i = 0; i < options.generate; i++)
        await pull(steps, nextId());
    const decodeMillis = performance.now() - start;
    await steps.return();

    if (sequence.nextTokenIndex !== options.prompt + options.generate)
        throw new Error(`${sequence.nextTokenIndex} tokens were evaluated, not ${options.prompt + options.generate}`);
    return {
        prefillTokensPerSecond: options.prompt / prefillMillis * 1000,
        decodeTokensPerSecond: options.generate / decodeMillis * 1000
    };
}

async function continueGreedily(promptIds) {
    const context = await openContext(promptIds.length + options.generate);
    const steps = context.getSequence().evaluate(promptIds, {temperature: 0, yieldEogToken: true});
    const ids = [];
    while (ids.length < options.generate)
        ids.push(await pull(steps));
    await steps.return();
    return {engine: "llama.cpp", model: options.model, prompt_token_ids: promptIds, token_ids: ids};
}

async function pull(steps, replacementId) {
    const {value, done} = await steps.next(replacementId);
    if (done)
        throw new Error("llama.cpp stopped generating");
    return value;
}

function openContext(tokens) {
    return model.createContext({
        contextSize: Math.ceil(tokens / CONTEXT_ALIGNMENT) * CONTEXT_ALIGNMENT,
        batchSize: 512, // llama.cpp's default physical batch
        threads: {ideal: options.threads, min: options.threads}
    });
}

function vocabularySize() {
    return model.fileInfo.metadata.tokenizer.ggml.tokens.length;
}

function median(samples) {
    const sorted = samples.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A small seeded generator of uniform numbers in [0, 1): the same ids in every run. */
function mulberry32(seed) {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

function readOptions() {
    const {values} = parseArgs({
        options: {
            model: {type: "string"},
            prompt: {type: "string", default: "256"},
            generate: {type: "string", default: "64"},
            threads: {type: "string", default: "2"},
            repeat: {type: "string", default: "3"},
            seed: {type: "string", default: "1"},
            greedy: {type: "string"}
        }
    });
    if (values.model === undefined)
        fail("--model FILE.gguf is required");
    return {
        model: values.model,
        prompt: wholeNumber("--prompt", values.prompt, 1),
        generate: wholeNumber("--generate", values.generate, 1),
        threads: wholeNumber("--threads", values.threads, 1),
        repeat: wholeNumber("--repeat", values.repeat, 1),
        seed: wholeNumber("--seed", values.seed, 0),
        greedy: values.greedy?.split(",").map((id) => wholeNumber("--greedy", id, 0))
    };
}

function wholeNumber(flag, text, least) {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < least)
        fail(`${flag} takes whole numbers from ${least} up, not '${text}'`);
    return value;
}

function fail(message) {
    console.error(message);
    process.exit(2);
}
