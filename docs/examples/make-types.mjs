// Writes the TypeScript types of ../schemas to ./types: `npm run types`, or to another folder that is named.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileFromFile } from "json-schema-to-typescript";

const folder = process.argv[2] ?? new URL("types", import.meta.url).pathname;
const schemas = new URL("../schemas/", import.meta.url);
const options = {
  additionalProperties: false,
  bannerComment: "// Made from docs/schemas by `make types`.",
  style: { printWidth: 110 },
};

for (const name of readdirSync(schemas)) {
  const types = await compileFromFile(new URL(name, schemas).pathname, options);
  writeFileSync(join(folder, name.replace(".schema.json", ".d.ts")), types);
}
