#!/usr/bin/env node
// Sparse models beside dense ones, on one engine: speed, memory, and what a token costs in bytes and operations.
//
//   node run.mjs [--only olmoe|openmoe] [--dir /tmp/sparse-dense] [--batches 1,8,32] [--prompt 32] [--generate 32] [--json]
//
// Each comparison has a sparse model, a dense one with as many active parameters and a dense one with as many in total. The
// checkpoints have true shapes and random weights at Q8_0; they are made in --dir (about 17 GB for olmoe) and kept there.
// For each batch size the models take turns.
import {spawnSync} from "node:child_process";
import {existsSync, mkdirSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const expertmesh = join(here, "..", "..", "expertmesh");

/** A model: its name in the table, what `synth --like` is given, and how it is stored. */
const comparisons = {
    olmoe: [
        {name: "OLMoE-1B-7B", like: "allenai/OLMoE-1B-7B-0924", file: "olmoe.gguf"},
        {name: "dense, OLMo-2-1B", like: "allenai/OLMo-2-0425-1B", file: "olmo2-1b.gguf"},
        {name: "dense, OLMo-2-7B", like: "allenai/OLMo-2-1124-7B", file: "olmo2-7b.gguf"}
    ],
    // A quarter of the layers, and so of those with experts: the whole model is 24 GB before it is quantised.
    openmoe: [
        {name: "OpenMoE-8B, 6 of 24 layers", like: "OrionZheng/openmoe-8b", layers: 6, file: "openmoe"},
        {name: "dense, as many active", like: join(here, "dense-openmoe-active"), file: "openmoe-active.gguf"},
        {name: "dense, as many in total", like: join(here, "dense-openmoe-total"), file: "openmoe-total.gguf"}
    ]
};

const {values: options} = parseArgs({
    options: {
        only: {type: "string"},
        dir: {type: "string", default: "/tmp/sparse-dense"},
        batches: {type: "string", default: "1,8,32"},
        prompt: {type: "string", default: "32"},
        generate: {type: "string", default: "32"},
        repeat: {type: "string", default: "2"},
        json: {type: "boolean", default: false}
    }
});
mkdirSync(options.dir, {recursive: true});
const rows = [];
for (const [name, models] of Object.entries(comparisons)) {
    if (options.only === undefined || options.only === name)
        rows.push(...compare(models));
}
if (options.json) {
    console.log(JSON.stringify(rows));
} else {
    console.log("| model | parameters, active / total | batch | prefill tok/s | decode tok/s | resident | bytes a token | operations a token |");
    console.log("|---|---|---|---|---|---|---|---|");
    for (const row of rows)
        console.log(`| ${row.model} | ${billions(row.active)} / ${billions(row.total)} | ${row.batch} | ${row.prefill.toFixed(1)} | ` +
            `${row.decode.toFixed(1)} | ${(row.resident / 2 ** 30).toFixed(1)} GiB | ${billions(row.bytesPerToken)}B | ${billions(row.operations)} |`);
}

function compare(models) {
    for (const model of models) {
        model.path = join(options.dir, model.file);
        if (!existsSync(model.path))
            run("synth", "--like", model.like, "--dtype", model.file.endsWith(".gguf") ? "q8_0" : "bf16", "--out", model.path,
                ...model.layers ? ["--layers", String(model.layers)] : []);
        // As it is computed with: folders are quantised when they are loaded.
        model.inspection = JSON.parse(run("inspect", "--model", model.path, "--json"));
    }
    const measured = [];
    for (const batch of options.batches.split(",").map(Number)) {
        for (const model of models) {
            const speed = JSON.parse(run("bench", "--model", model.path, "--quantize", model.file.endsWith(".gguf") ? "none" : "q8_0",
                "--batch", String(batch), "--prompt", options.prompt, "--generate", options.generate, "--repeat", options.repeat, "--json"));
            console.error(`${model.name}, batch ${batch}: prefill ${speed.prefill_tokens_per_s}, decode ${speed.decode_tokens_per_s} tok/s`);
            measured.push({model: model.name, batch, ...cost(model.inspection, batch), prefill: speed.prefill_tokens_per_s,
                decode: speed.decode_tokens_per_s, resident: speed.peak_resident_bytes, cpu: speed.machine.cpu});
        }
    }
    return measured;
}

/**
 * What one token costs in a decoding step of `batch` tokens: weights are read once for all of them, and with random routing
 * E * (1 - (1 - k/E)^batch) of E experts are visited by at least one.
 */
function cost(inspection, batch) {
    const {experts, top_k: topK, expert_group_bytes: expertBytes} = inspection;
    const visited = experts === 0 ? 0 : experts * (1 - (1 - topK / experts) ** batch);
    const quantized = inspection.bytes_as.q8_0 / inspection.bytes;
    const read = inspection.active_bytes - topK * expertBytes + visited * expertBytes;
    return {
        active: inspection.active_parameters,
        total: inspection.parameters,
        bytesPerToken: read * quantized / batch,
        // A multiplication and an addition for each weight that is read; of the input embedding that is one row.
        operations: 2 * inspection.active_bytes * inspection.parameters / inspection.bytes
    };
}

/** The standard output of a command of expertmesh. */
function run(...parameters) {
    const {status, stdout} = spawnSync(expertmesh, parameters, {stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: 1 << 28});
    if (status !== 0)
        throw new Error(`expertmesh ${parameters.join(" ")} ended with exit code ${status}`);
    return stdout;
}

function billions(count) {
    return `${(count / 1e9).toFixed(2)} G`;
}
