// Counts the lines of a lot's files.
const {mkdirSync, readFileSync, writeFileSync} = require("node:fs");
const {CLS_ARC_PROPS_JSON, CLS_LOT: lotId, CLS_ATTEMPT} = process.env;
const {sinks, sourceManifestPaths, sinkManifestTemplates} = JSON.parse(CLS_ARC_PROPS_JSON);
const read = (uri) => readFileSync(new URL(uri), "utf8");
const write = (uri, text) => (mkdirSync(new URL(".", uri), {recursive: true}), writeFileSync(new URL(uri), text));

const lines = JSON.parse(read(sourceManifestPaths.main)).uris.reduce((sum, uri) => sum + read(uri).split("\n").length - 1, 0);
const result = `${sinks.main.pathURI}lot=${lotId}/lines-${CLS_ATTEMPT}.txt`;
write(result, `${lines}\n`);
const manifest = sinkManifestTemplates.main.replace("{lot}", lotId).replace("{state}", "complete");
write(manifest, JSON.stringify({state: "complete", lotId, uriType: "identifier", uris: [result]}));
