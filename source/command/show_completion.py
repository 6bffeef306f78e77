"""`espalier completion bash|zsh|fish`: prints a script that completes commands, actions, recipes, keys and plugins.

The script holds all words, so that a key press starts no Python. Print it anew after an update or a new plugin:

  espalier completion bash > ~/.local/share/bash-completion/completions/espalier
  espalier completion zsh > ~/.zfunc/_espalier
  espalier completion fish > ~/.config/fish/completions/espalier.fish
"""

import argparse
from collections.abc import Iterable, Mapping

from source.command import commands, recipe_line
from source.command.parser import Parser
from source.config import plugin
from source.config.plugin_fields import plugin_fields
from source.config.recipe.parts import OF_THE_RUN, SEVERAL, SINGLE
from source.config.recipe.recipe import shipped_files

SUMMARY = "print a script that completes words in bash, zsh or fish"
_SHARING = ("inputter", "modeler", "runner", "callback", "exporter")
_BASH = """\
# Completion of espalier for bash.
_espalier() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" current
    current="${{line##*[[:space:]]}}"
    local -a before=(${{line%"$current"}})
    COMPREPLY=()
    if [[ $current == *=* ]]; then
        local value="${{current#*=}}"
        case "${{current%%=*}}" in
{values}
            *) COMPREPLY=($(compgen -f -- "$value")) ;;
        esac
        [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${{COMPREPLY[@]/#/${{current%%=*}}=}}")
        return
    fi
    case "${{before[1]}}" in
        help) COMPREPLY=($(compgen -W "{helped}" -- "$current")) ;;
        list) COMPREPLY=($(compgen -W "{listed}" -- "$current")) ;;
        completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$current")) ;;
        {commands}) COMPREPLY=($(compgen -f -- "$current")) ;;
        "") COMPREPLY=($(compgen -W "{commands_words} {words}" -- "$current")) ;;
        *) COMPREPLY=($(compgen -W "{words}" -- "$current")) ;;
    esac
    [[ ${{before[1]}} == "" || ${{before[1]}} == *.y*ml || ${{before[1]}} == *=* ]] &&
        COMPREPLY+=($(compgen -f -X '!*.y*ml' -- "$current") $(compgen -d -S / -- "$current"))
    [[ ${{COMPREPLY[0]}} == *[=/] ]] && compopt -o nospace 2>/dev/null
    return 0
}}
complete -F _espalier espalier"""
_ZSH = """\
#compdef espalier
_espalier() {{
    local -a words_known keys
    words_known=({words})
    keys=({keys})
    if [[ $PREFIX == *=* ]]; then
        local key="${{PREFIX%%=*}}"
        compset -P '*='
        case "$key" in
{values}
            *) _files ;;
        esac
        return
    fi
    case "${{words[2]}}" in
        help) compadd -- {helped} ; return ;;
        list) compadd -- {listed} ; return ;;
        completion) compadd -- bash zsh fish ; return ;;
    esac
    (( CURRENT == 2 )) && compadd -- {commands_words}
    compadd -- $words_known
    compadd -S '' -- $keys
    _files -g '*.y(a|)ml'
}}
compdef _espalier espalier"""
_FISH = """\
# Completion of espalier for fish.
complete -c espalier -n "__fish_use_subcommand" -f -a "{commands_words}"
complete -c espalier -n "__fish_seen_subcommand_from help" -f -a "{helped}"
complete -c espalier -n "__fish_seen_subcommand_from list" -f -a "{listed}"
complete -c espalier -n "__fish_seen_subcommand_from completion" -f -a "bash zsh fish"
complete -c espalier -a "{words} {keys}"
{values}"""


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier completion`.

    Args:
        parser: the parser of this command.
    """
    parser.add_argument("shell", choices=sorted(_SCRIPTS), help="which one reads the script")


def run(arguments: argparse.Namespace) -> int:
    """Prints the script and returns the exit code 0.

    Args:
        arguments: `shell`.
    """
    print(script(arguments.shell))
    return 0


def script(shell: str) -> str:
    """Returns the script for a shell.

    Args:
        shell: "bash", "zsh" or "fish".
    """
    template, value_line, with_keys = _SCRIPTS[shell]
    words = [*recipe_line.actions(), *shipped_files()]
    keys = [f"{key}=" for key in _keys()]
    plugins = {room: plugin.available(room) for room in plugin.ROOMS}
    return template.format(
        words=" ".join([*words, *(keys if with_keys else [])]),
        keys=" ".join(keys),
        commands="|".join(each for each in commands.names() if each not in ("help", "list", "completion")),
        commands_words=" ".join(commands.names()),
        helped=" ".join([*recipe_line.actions(), *(f"{room}.{name}" for room in plugins for name in plugins[room])]),
        listed=" ".join([*plugin.ROOMS, "recipe", "format", "action"]),
        values="\n".join(value_line.format(key=key, names=" ".join(names)) for key, names in _values(plugins).items()),
    )


def _values(plugins: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Returns what may follow the `=` of keys that name plugins."""
    return {key: plugins[room] for key, room in SINGLE.items()}


def _keys() -> list[str]:
    """Returns the keys of recipes: those of the run, of parts, of settings of any part, and of each part alone."""
    shared = {name for room in _SHARING for name in _fields(room)}
    own = {f"{key}.{name}" for key in ("augmenter", "compressor", "network") for name in _fields(SINGLE[key])}
    several = {f"{key}.{name}" for key, room in SEVERAL.items() for name in plugin.available(room)}
    return sorted({*OF_THE_RUN, *SINGLE, *shared, *own, *several} - {"mode", "callbacks"})


def _fields(room: str) -> Iterable[str]:
    """Returns the settings of all plugins of a room."""
    known = [plugin_fields(room, name) for name in plugin.available(room)]
    return {name for each in known if each is not None for name in each.fields}


# Script, how a key with the names that it takes is written there, and whether keys stand among the words.
_SCRIPTS = {
    "bash": (_BASH, '            {key}) COMPREPLY=($(compgen -W "{names}" -- "$value")) ;;', True),
    "zsh": (_ZSH, "            {key}) compadd -- {names} ;;", False),
    "fish": (
        _FISH,
        'complete -c espalier -n "string match -q -- \'{key}=*\' (commandline -ct)" -f -a "{key}="(string split " " '
        '"{names}")',
        True,
    ),
}
