"""Pictures of channel groups: as text, and as SVG drawn by graphviz."""

import shutil
import subprocess
from pathlib import Path

from source.config.errors import MissingDependencyError
from source.graph.channel_groups import ChannelGroups, Group

_NODES = 'node [shape=box, style="rounded,filled", color="#777777", fontname=Helvetica, fontsize=10]'
_EDGES = 'edge [color="#777777", arrowsize=0.7]'
_GOLDEN = 0.618  # of the circle of hues lies between neighbours, so that none of the first dozens look the same
_NAMED = 4  # layers that make the channels, in one box


def to_text(groups: ChannelGroups) -> str:
    """Returns a line for each group: how many channels, their layers, why they stay; and the layers that read them.

    Args:
        groups: of a model.
    """
    return "\n".join(_lines(groups, group) for group in groups.groups)


def to_svg(groups: ChannelGroups, path: str | Path) -> Path:
    """Writes the groups as boxes, with arrows from those whose channels are read to those that are made of them.

    Args:
        groups: of a model.
        path: of the file.

    Raises:
        MissingDependencyError: without graphviz.
    """
    program = shutil.which("dot")
    if program is None:
        raise MissingDependencyError(
            "Pictures of channel groups are drawn by the program `dot` of graphviz, which is not installed. Install "
            "graphviz, or print `to_text(groups)`."
        )
    drawn = subprocess.run([program, "-Tsvg"], input=to_dot(groups), capture_output=True, text=True, check=True)
    path = Path(path)
    path.write_text(drawn.stdout, encoding="utf-8")
    return path


def to_dot(groups: ChannelGroups) -> str:
    """Returns the picture in the language of graphviz: free groups in colours, dashed if in doubt, others in grey.

    Args:
        groups: of a model.
    """
    lines = ["digraph channels {", f"  rankdir=LR; {_NODES}; {_EDGES};"]
    places = {id(group): place for place, group in enumerate(groups.groups)}
    for group in groups.groups:
        lines.append(f"  g{places[id(group)]} [{_box(group, places[id(group)])}];")
    makers = {path: group for group in reversed(groups.groups) for path in group.producers}
    edges = {
        f"  g{places[id(group)]} -> g{places[id(makers[path])]};"
        for group in groups.groups
        for path in readers(groups, group)
        if path in makers and makers[path] is not group
    }
    return "\n".join([*lines, *sorted(edges), "}"]) + "\n"


def readers(groups: ChannelGroups, group: Group) -> list[str]:
    """Returns the paths of the layers that have weights for the channels of a group but do not make them.

    Args:
        groups: of a model.
        group: one of them.
    """
    channels = set(group.channels.tolist())
    paths = [
        site.path
        for site in groups.sites
        if site.path not in group.producers and channels & set(groups.channels_of(site.labels).tolist())
    ]
    return list(dict.fromkeys(paths))


def _box(group: Group, place: int) -> str:
    more = ["..."] if len(group.producers) > _NAMED else []
    label = "\\n".join([*group.producers[:_NAMED], *more, f"{len(group)} channels"])
    colour = "#dddddd" if group.fixed else f"{place * _GOLDEN % 1:.3f} 0.16 1.0"
    dashed = ', style="rounded,filled,dashed"' if group.doubts else ""
    return f'label="{label}", fillcolor="{colour}"{dashed}'


def _lines(groups: ChannelGroups, group: Group) -> str:
    why = f"   stays: {'; '.join(group.fixed)}" if group.fixed else ""
    doubts = f"   doubts: {'; '.join(group.doubts)}" if group.doubts else ""
    read = readers(groups, group)
    into = f"\n        -> {', '.join(read)}" if read else ""
    return f"{len(group):5d}   {' + '.join(group.producers)}{why}{doubts}{into}"
