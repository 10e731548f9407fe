// transformers.js: `node transformers_js.mjs PACKAGES WAY REQUEST ANSWER`, as reading.py does.
// WAY `pipeline` pools as modules.json says; `model` takes the graph's own vectors.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packages, way, request, answer] = process.argv.slice(2);
const home = path.join(packages, "node_modules", "@huggingface", "transformers");
const { AutoModel, AutoTokenizer, pipeline, env } = await import(
  pathToFileURL(path.join(home, "dist", "transformers.node.mjs"))
);
env.allowRemoteModels = false;
env.localModelPath = "/";
const poolings = { mean: "mean", cls: "cls", pooler: "cls" };

async function read(folder, texts, job) {
  if (way === "model") {
    const tokenizer = await AutoTokenizer.from_pretrained(folder);
    const model = await AutoModel.from_pretrained(folder, { dtype: "fp32" });
    const inputs = await tokenizer(texts, { padding: true, truncation: true });
    return (await model(inputs)).sentence_embedding.tolist();
  }
  const pooling = poolings[job.pool];
  if (pooling === undefined) throw new Error(`no pooling for ${job.pool}`);
  const extract = await pipeline("feature-extraction", folder, { dtype: "fp32" });
  return (await extract(texts, { pooling, normalize: job.l2 })).tolist();
}

const { texts, jobs } = JSON.parse(fs.readFileSync(request));
const results = [];
for (const job of jobs) {
  try {
    results.push({ vectors: await read(job.folder, texts, job) });
  } catch (error) {
    results.push({ error: String(error).slice(0, 300) });
  }
}
const { version } = JSON.parse(fs.readFileSync(path.join(home, "package.json")));
fs.writeFileSync(
  answer,
  JSON.stringify({ versions: { "@huggingface/transformers": version }, results }),
);
