#!/bin/sh -eu
# Counts the lines of a lot's files.
of() { printf %s "$CLS_ARC_PROPS_JSON" | jq -r "$1"; }
path() { printf %b "$(printf %s "${1#file://}" | sed 's/%/\\x/g')"; }
write() { mkdir -p "$(dirname "$(path "$1")")" && cat >"$(path "$1")"; }

lines=$(of .sinks.main.pathURI)lot=$CLS_LOT/lines-$CLS_ATTEMPT.txt
jq -r '.uris[]' "$(path "$(of .sourceManifestPaths.main)")" |
    while read -r uri; do cat "$(path "$uri")"; done | wc -l | write "$lines"
manifest=$(of .sinkManifestTemplates.main | sed "s/{lot}/$CLS_LOT/; s/{state}/complete/")
jq -n --arg lot "$CLS_LOT" --arg uri "$lines" '{state: "complete", lotId: $lot, uriType: "identifier", uris: [$uri]}' |
    write "$manifest"
