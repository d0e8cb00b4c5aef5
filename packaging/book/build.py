#!/usr/bin/env python3
"""Builds the site of docs/ with mdBook, from the documents as they are.

    packaging/book/build.py OUT     the site is OUT/html; OUT/src is what mdBook reads

The chapters are those of docs/SUMMARY.md. They keep their places in the repository, so that a link which
works there works here. A file or a folder that a chapter links to becomes a page below "Files", and its
text can be searched too. What is missing, and a document without a chapter, is an error.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SUMMARY = "docs/SUMMARY.md"
# An inline link or a picture, with the text before its target.
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^()\s]+)\)")
FENCE = re.compile(r"\s*(```|~~~)")
INDENTED = re.compile(r"( {4}|\t)")
PICTURES = {".png", ".svg", ".jpg", ".gif"}
LANGUAGES = {".rs": "rust", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml", ".json": "json", ".sh": "bash", ".py": "python"}


class Book:
    def __init__(self, out):
        self.source = out / "src"
        self.chapters = {}
        # Pages of linked files and folders: path to title.
        self.files = {}

    def build(self):
        summary = (ROOT / SUMMARY).read_text()
        for title, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", summary):
            path = posixpath.normpath(posixpath.join("docs", target))
            self.chapters[path] = title
        self.check_chapters()
        for path in self.chapters:
            self.write(path, self.rewritten(path, (ROOT / path).read_text()))
        text = LINK.sub(lambda found: found[1] + posixpath.normpath(posixpath.join("docs", found[2])) + ")", summary)
        self.write("SUMMARY.md", text + self.files_in_summary())

    def check_chapters(self):
        documents = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} - {SUMMARY}
        for path in sorted(documents - self.chapters.keys()):
            raise SystemExit(f"{path} is no chapter: {SUMMARY} does not name it")
        for path in self.chapters:
            if not (ROOT / path).is_file():
                raise SystemExit(f"{SUMMARY}: {path} is missing")

    def rewritten(self, path, text):
        """The text of a chapter, with links to the pages of files. What is code stays as it is."""
        lines, fenced, blank = [], False, True
        for line in text.split("\n"):
            if FENCE.match(line):
                fenced = not fenced
            elif not fenced and not (INDENTED.match(line) and blank):
                line = LINK.sub(lambda found: found[1] + self.target(path, found[2]) + ")", line)
            # An indented line is code after an empty line or after code.
            blank = not line.strip() or (blank and bool(INDENTED.match(line)))
            lines.append(line)
        return "\n".join(lines)

    def target(self, path, link):
        if re.match(r"[a-z]+:|#", link):
            return link
        target, _, fragment = link.partition("#")
        folder = posixpath.dirname(path)
        found = posixpath.normpath(posixpath.join(folder, target))
        if found.startswith("..") or not (ROOT / found).exists():
            raise SystemExit(f"{path}: {link} is missing")
        page = found if found in self.chapters else self.page_of(found)
        return relative(page, folder) + (f"#{fragment}" if fragment else "")

    def page_of(self, found):
        """Where a file or a folder that is no chapter can be read."""
        path = ROOT / found
        if path.suffix in PICTURES:
            self.copy(found)
            return found
        page = posixpath.join(found, "README.md") if path.is_dir() else found
        if not page.endswith(".md"):
            page += ".md"
        if page in self.chapters or page in self.files:
            return page
        self.files[page] = found
        if (ROOT / page).is_file():
            text = self.rewritten(page, (ROOT / page).read_text())
        elif path.is_dir():
            text = self.listing(found)
        else:
            text = shown(found)
        self.write(page, text)
        return page

    def listing(self, folder):
        lines = [f"# {folder}", ""]
        for path in sorted((ROOT / folder).iterdir()):
            name = f"{folder}/{path.name}"
            if path.is_file() or (path / "README.md").is_file():
                lines.append(f"- [{path.name}]({relative(self.page_of(name), folder)})")
        return "\n".join(lines) + "\n"

    def files_in_summary(self):
        text = "\n# Files\n\n"
        for page, found in sorted(self.files.items(), key=lambda item: item[1]):
            parent = posixpath.dirname(found)
            depth = sum(f"{folder}/README.md" in self.files for folder in parents(found) if folder != ".")
            title = posixpath.basename(found) if depth else found
            text += f"{'  ' * depth}- [{title}]({page})\n"
        return text

    def write(self, path, text):
        path = self.source / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def copy(self, path):
        to = self.source / path
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, to)


def relative(page, folder):
    """A link from a folder to a page. mdBook makes the index of a folder of its README."""
    return re.sub(r"(^|/)README\.md$", r"\1index.md", posixpath.relpath(page, folder or "."))


def parents(path):
    while path := posixpath.dirname(path):
        yield path


def shown(path):
    """A file as a page: its text, in a fence that is longer than each in it."""
    text = (ROOT / path).read_text().rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    language = LANGUAGES.get(posixpath.splitext(path)[1], "text")
    return f"# {path}\n\n{fence}{language}\n{text}\n{fence}\n"


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1]).resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for name in ["book.toml", "everwire.css"]:
        shutil.copyfile(HERE / name, out / name)
    Book(out).build()
    subprocess.run(["mdbook", "build", "--dest-dir", out / "html", out], check=True)


main()
