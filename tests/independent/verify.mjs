// npm's verifiers, and Node's own Ed25519, over requests that Forwarder sent: each has to hold, and be refused with a changed body.
// `node verify.mjs FILE`: one line a verifier, exit 1 where one is not satisfied.
import assert from "node:assert";
import { createPublicKey, verify as verifyRaw } from "node:crypto";
import { readFileSync } from "node:fs";

const octokit = await import("@octokit/webhooks-methods");
const standard = await import("standardwebhooks");
const svix = await import("svix");

// Each throws (or rejects) when the signature does not hold.
const verifiers = [
  ["@octokit/webhooks-methods", "github", () => true, async (one, key, body) => {
    assert.strictEqual(await octokit.verify(key, body.toString("utf8"), one.headers["x-hub-signature-256"]), true);
  }],
  ["standardwebhooks", "standard-webhooks", (key) => key.startsWith("whsec_"), (one, key, body) => {
    new standard.Webhook(key).verify(body.toString("utf8"), one.headers);
  }],
  // It gives nothing back for a good signature: that it does not throw is all it says.
  ["svix", "standard-webhooks", (key) => key.startsWith("whsec_"), (one, key, body) => {
    new svix.Webhook(key).verify(body.toString("utf8"), one.headers);
  }],
  // The key comes out of Forwarder's JWK Set, as a receiver would fetch it.
  ["node:crypto", "standard-webhooks", (key) => key.startsWith("whpk_"), (one, key, body) => {
    const jwk = one.jwks.keys.find((found) => found.alg === "EdDSA");
    assert.strictEqual(Buffer.from(jwk.x, "base64url").toString("base64"), key.slice("whpk_".length));
    const texts = one.headers["webhook-signature"].split(" ").filter((text) => text.startsWith("v1a,"));
    assert.strictEqual(texts.length, 1);
    const content = Buffer.concat([Buffer.from(`${one.headers["webhook-id"]}.${one.headers["webhook-timestamp"]}.`), body]);
    const signature = Buffer.from(texts[0].slice("v1a,".length), "base64");
    assert.strictEqual(verifyRaw(null, content, createPublicKey({ key: jwk, format: "jwk" }), signature), true);
  }],
];

async function refused(check, one, key, body) {
  try {
    await check(one, key, body);
  } catch {
    return true;
  }
  return false;
}

function version(name) {
  if (name.startsWith("node:")) return process.versions.node;
  const path = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")).version;
}

const cases = readFileSync(process.argv[2], "utf8").trim().split("\n").map((line) => JSON.parse(line));
let failed = 0;
for (const [name, scheme, takes, check] of verifiers) {
  let held = 0;
  let rejected = 0;
  for (const one of cases.filter((found) => found.scheme === scheme && found.compression === "none")) {
    const body = Buffer.from(one.body, "base64");
    for (const key of one.keys.filter(takes)) {
      await check(one, key, body);
      held += 1;
      const changed = [Buffer.concat([body, Buffer.from(" ")]), body.subarray(0, -1), Buffer.from("{}")];
      const all = await Promise.all(changed.map((other) => refused(check, one, key, other)));
      rejected += all.every(Boolean) ? 1 : 0;
    }
  }
  const ok = held > 0 && rejected === held;
  failed += ok ? 0 : 1;
  console.log(`node ${name} ${version(name)}, ${scheme}: ${held} hold, ${rejected} refused with a changed body${ok ? "" : "  FAILED"}`);
}
process.exit(failed ? 1 : 0);
