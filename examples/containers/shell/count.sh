#!/bin/sh -eu
# Counts the lines of a lot's files.
of() { printf '%s' "$CLS_ARC_PROPS_JSON" | jq -r "$1" | sed 's|^file://||'; }
manifest=$(of .sinkManifestTemplates.main | sed "s|{lot}|$CLS_LOT|; s|{state}|complete|")
lines=$(of .sinks.main.pathURI)lot=$CLS_LOT/lines-$CLS_ATTEMPT.txt

mkdir -p "${lines%/*}" "${manifest%/*}"
jq -r '.uris[]' "$(of .sourceManifestPaths.main)" | sed 's|^file://||' | xargs cat | wc -l >"$lines"
jq -n '{state: "complete", lotId: $ARGS.positional[0], uriType: "identifier", uris: [$ARGS.positional[1]]}' \
    --args "$CLS_LOT" "file://$lines" >"$manifest"
