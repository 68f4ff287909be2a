"""XML of whatever texts a data set holds."""

import re
from xml.etree import ElementTree as ET

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: object) -> str:
    """The text with a mark in place of what no XML document may hold."""
    return NO_XML.sub("\ufffd", str(text))


def child(parent: ET.Element, tag: str, text: object = "", **attributes: object) -> ET.Element:
    """A new element below the parent."""
    element = ET.SubElement(parent, tag, {name: clean(value) for name, value in attributes.items()})
    element.text = clean(text) or None
    return element


def document(root: ET.Element) -> str:
    """The document as text, with its declaration."""
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
