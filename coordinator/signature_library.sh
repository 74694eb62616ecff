#!/bin/sh
# Writes C in which the files given are texts: signature_library.sh FILE...
set -eu
printf '#include "coordinator/signature_library.h"\n\nconst struct signature_library_file signature_library[] = {\n'
for file; do
        printf '{ "%s", (const char[]){\n' "${file##*/}"
        od -An -v -tx1 "$file" | sed 's/ *\([0-9a-f][0-9a-f]\)/(char)0x\1,/g'
        printf '0 }, %s },\n' "$(wc -c <"$file")"
done
printf '};\nconst size_t signature_library_count = %s;\n' "$#"
