"""Files and folders alike: put where they belong, or removed."""

import pathlib
import shutil


def move(source: pathlib.Path, target: pathlib.Path) -> None:
    """Gives a file or folder another name in its folder; what has that name already is replaced.

    Args:
        source: what there is.
        target: its new name.
    """
    if target.is_dir():  # a folder that is not empty cannot be replaced in one step
        replaced = target.with_name(f".{target.name}.replaced")
        remove(replaced)
        target.rename(replaced)
        source.rename(target)
        remove(replaced)
    else:
        source.replace(target)


def remove(path: pathlib.Path) -> None:
    """Removes a file, or a folder with all that is in it, if it is there.

    Args:
        path: of either.
    """
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
