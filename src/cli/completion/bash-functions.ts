/** The part of the completion for bash that is the same whatever the commands are. For bash.ts. */

/**
 * COMP_WORDS is split at some characters of task names and at the = of options, unlike the command line itself; so the words
 * are put together again, and what is offered is cut to what readline will replace (bash(1), COMP_WORDBREAKS).
 */
export const BASH_FUNCTIONS = `# The words before the cursor as a command has them: line, the last as cur; where each begins in COMP_WORDS: starts.
_fate_split() {
    local text=\${COMP_LINE-} blank piece before='' glue i
    text=\${text:0:\${COMP_POINT:-\${#text}}}
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=\${COMP_WORDS[i]-}
        blank=\${text%%[![:space:]]*}
        text=\${text#"$blank"}
        glue=''
        if ((i > 0)) && [[ ! $blank && ( $piece =~ ^[:=@]+$ || $before =~ ^[:=@]+$ ) ]]; then
            glue=yes
        fi
        before=$piece
        if ((i < COMP_CWORD)); then
            text=\${text#"$piece"}
        elif [[ $text && $piece == "$text"* ]]; then
            # Up to the cursor.
            piece=$text
        elif [[ \${COMP_LINE-} && ! $text ]]; then
            piece=''
        fi
        if [[ $glue ]]; then
            line[-1]+=$piece
        else
            line+=("$piece")
            starts+=("$i")
        fi
    done
    cur=\${line[-1]}
    unset 'line[-1]'
}

# Offers the words that go on from what is typed. The first argument stands before each of them already.
_fate_offer() {
    local before=$1 word
    shift
    for word; do
        if [[ $before$word == "$cur"* ]]; then
            COMPREPLY+=("$before$word")
        fi
    done
}

# The kind of value that an option takes: kind.
_fate_value() {
    local option names
    kind=flag
    for option in "\${options[@]}"; do
        names=\${option%% *}
        if [[ ,$names, == *",$1,"* ]]; then
            kind=\${option#* * }
        fi
    done
}

# Offers the options that are not there yet.
_fate_options() {
    local option names against name
    for option in "\${options[@]}"; do
        read -r names against _ <<<"$option"
        if [[ $against != + ]]; then
            for name in \${names//,/ } \${against//,/ }; do
                if [[ $given == *" $name "* ]]; then
                    continue 2
                fi
            done
        fi
        # shellcheck disable=SC2086
        _fate_offer '' \${names//,/ }
    done
}

# Offers what a word may be: KIND BEFORE.
_fate_word() {
    local before=$2 value word
    local -a words
    read -ra words <<<"$1"
    case \${words[0]-} in
        task)
            while IFS= read -r word; do
                _fate_offer "$before" "$word"
            done < <(command fate list --names "\${folders[@]}" 2>/dev/null </dev/null)
            ;;
        words)
            _fate_offer "$before" "\${words[@]:1}"
            ;;
        list)
            value=\${cur#"$before"}
            if [[ $value == *,* ]]; then
                before+=\${value%,*},
            fi
            for word in "\${words[@]:1}"; do
                if [[ ,$before != *",$word,"* && ,\${before#*=} != *",$word,"* ]]; then
                    _fate_offer "$before" "$word"
                fi
            done
            ;;
        # Readline does these best.
        file)
            compopt -o default 2>/dev/null
            ;;
        folder)
            compopt -o dirnames 2>/dev/null
            ;;
    esac
}

# Another command line begins at this word of COMP_WORDS.
_fate_command() {
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif (($1 == COMP_CWORD)) && [[ $cur != */* ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    else
        compopt -o default 2>/dev/null
    fi
}

_fate() {
    local cur='' command commands endless runs kind given=' ' ended='' word quoted='' i at=0
    local -a line=() starts=() folders=() options places
    local IFS=$' \\t\\n'
    COMPREPLY=()
    _fate_split
    command=\${line[0]##*/}
    case $command in
        fated | fates) ;;
        # Whatever it was called by.
        *) command=fate ;;
    esac
    _fate_table "$command"

    for ((i = 1; i < \${#line[@]}; i++)); do
        word=\${line[i]}
        if [[ ! $ended && $word == -- ]]; then
            ended=yes
            if [[ $runs ]]; then
                _fate_command "\${starts[i + 1]}"
                return
            fi
        elif [[ ! $ended && $word == -?* ]]; then
            case $word in
                --system | --user) folders=("$word") ;;
            esac
            given+="\${word%%=*} \${word:0:2} "
            _fate_value "$word"
            if [[ $kind != flag ]]; then
                if ((++i == \${#line[@]})); then
                    _fate_word "$kind" ''
                    _fate_cut
                    return
                fi
            fi
        elif [[ $runs ]]; then
            _fate_command "\${starts[i]}"
            return
        elif [[ " $commands " == *" $word "* ]]; then
            command+=" $word"
            _fate_table "$command"
        else
            # No command of ours: nothing is known of what follows.
            if [[ $commands && \${#places[@]} -eq 0 ]]; then
                return
            fi
            commands=''
            at=$((at + 1))
        fi
    done

    case $cur in
        [\\"\\']*)
            cur=\${cur:1}
            quoted=yes
            ;;
    esac
    if [[ $endless ]] && ((at >= \${#places[@]})); then
        at=$((\${#places[@]} - 1))
    fi
    if [[ ! $ended && $cur == --*=* ]]; then
        _fate_value "\${cur%%=*}"
        _fate_word "$kind" "\${cur%%=*}="
    elif [[ ! $ended && $cur == -* ]]; then
        _fate_options
    elif [[ $runs ]]; then
        _fate_command "\${starts[-1]}"
        return
    else
        # shellcheck disable=SC2086
        _fate_offer '' $commands
        _fate_word "\${places[at]-}" ''
        if [[ ! $commands && ! $ended && ! \${places[at]-} ]]; then
            _fate_options
        fi
    fi
    if [[ ! $quoted ]]; then
        _fate_cut
    fi
}

# Readline replaces only what stands behind the last character that breaks words.
_fate_cut() {
    local breaks=\${COMP_WORDBREAKS//[^:=@]/} start
    if [[ $breaks && $cur == *["$breaks"]* ]]; then
        start=\${cur%"\${cur##*["$breaks"]}"}
        # But for @, which it leaves with the word behind it.
        start=\${start%@}
        COMPREPLY=("\${COMPREPLY[@]#"$start"}")
    fi
}
`;
