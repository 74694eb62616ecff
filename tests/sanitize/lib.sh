# For the tests of this folder: runs each unit test and simulation that was built under a folder, as
# one line of TAP.

bail() {
        echo "Bail out! $*"
        exit 1
}

each_program() { # FOLDER, STATUS BY WHICH A TOOL TELLS, COMMAND BEFORE THE PROGRAM...
        folder=$1
        found=$2
        shift 2
        programs=$(find "$folder/tests/unit" "$folder/tests/sim" -name '*_test' -type f -perm -u+x 2>/dev/null | grep -vE "/(${leave_out:-nothing})_test\$" | sort)
        # shellcheck disable=SC2086 # a list of words
        set -- "$(echo $programs | wc -w)" "$@"
        [ "$1" -gt 0 ] || bail "nothing was built under $folder"
        echo "1..$1"
        shift
        n=0
        for program in $programs; do
                n=$((n + 1))
                log=$TMPDIR/log
                FAST=1 CMOCKA_MESSAGE_OUTPUT=TAP timeout $((300 * ${TEST_PATIENCE:-1})) "$@" "$program" >"$log" 2>&1
                r=$?
                if [ $r -eq 0 ]; then
                        echo "ok $n - ${program#"$folder"/tests/}"
                        continue
                fi
                echo "not ok $n - ${program#"$folder"/tests/}"
                [ $r -ne "$found" ] || echo "# the tool found something"
                echo "# exit status $r"
                tail -n 60 "$log" >&2
        done
}
