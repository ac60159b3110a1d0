# From the tables of `--describe` to Markdown: what a manual page says of commands and options.
#   awk -f options.awk -v part=options [-v command=NAME] TABLE    the program's own, or a command's
#   awk -f options.awk -v part=commands TABLE                     each command with its options
BEGIN { FS = "\t" }

function escaped(text) {
    gsub(/[][\\`*_<>|~^$]/, "\\\\&", text)
    return text
}
function flags(names, type,    text) {
    gsub(/,/, "**, **", names)
    text = "**" names "**"
    return type == "" ? text : text " *" escaped(type) "*"
}
function item(term, meaning) { printf "%s\n: %s\n\n", term, meaning }
function option(    meaning) {
    meaning = escaped($6) ($6 ~ /[.]$/ ? "" : ".")
    item(flags($3, $4), $5 == "" ? meaning : meaning " Default: " escaped($5) ".")
}

part == "options" && $1 == "option" && $2 == command { option() }
part == "options" && $1 == "argument" && $2 == command { item("*" escaped($3) "*", escaped($4) ".") }

part == "commands" && $1 == "command" {
    name[++count] = $2
    meaning[$2] = $3
}
part == "commands" && $1 == "takes" { taken[$2] = taken[$2] (taken[$2] == "" ? "" : ", ") "**" $3 "**"; takes[$2]++ }
part == "commands" && $1 == "argument" { usage[$2] = usage[$2] " [*" escaped($3) "*]"; told[$2] = told[$2] " *" escaped($3) "*: " escaped($4) "." }
part == "commands" && $1 == "option" && $2 != "" && $3 !~ /--help/ {
    usage[$2] = usage[$2] " [" flags($3, $4) "]"
    told[$2] = told[$2] " " flags($3, $4) ": " escaped($6) "."
}
END {
    for (i = 1; i <= count; i++) {
        command = name[i]
        also = takes[command] > 5 ? "every option of **run**" : taken[command] ", **--config**"
        item("**" command "**" usage[command], escaped(meaning[command]) "." told[command] " Takes " also ".")
    }
}
