// Counts the lines of a lot's files.
const {mkdirSync, readFileSync, writeFileSync} = require("node:fs"), {dirname} = require("node:path");
const {CLS_ARC_PROPS_JSON, CLS_LOT: lotId, CLS_ATTEMPT} = process.env;
const props = JSON.parse(CLS_ARC_PROPS_JSON);
const write = (uri, text) => (mkdirSync(dirname(new URL(uri).pathname), {recursive: true}), writeFileSync(new URL(uri), text));

const {uris} = JSON.parse(readFileSync(new URL(props.sourceManifestPaths.main)));
const lines = uris.reduce((sum, uri) => sum + readFileSync(new URL(uri), "utf8").split("\n").length - 1, 0);
const result = `${props.sinks.main.pathURI}lot=${lotId}/lines-${CLS_ATTEMPT}.txt`;
write(result, `${lines}\n`);
const manifest = props.sinkManifestTemplates.main.replace("{lot}", lotId).replace("{state}", "complete");
write(manifest, JSON.stringify({state: "complete", lotId, uriType: "identifier", uris: [result]}));
