"""Build XML from any text that a data set may hold."""

import re
from xml.etree import ElementTree as ET

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: object) -> str:
    """Put a replacement character in place of characters that XML cannot hold."""
    return NOT_IN_XML.sub("\ufffd", str(text))


def child(parent: ET.Element, tag: str, text: object = "", **attributes: object) -> ET.Element:
    """Add an element below the parent."""
    element = ET.SubElement(parent, tag, {name: clean(value) for name, value in attributes.items()})
    element.text = clean(text) or None
    return element


def document(root: ET.Element) -> str:
    """Write the document as text, with its declaration."""
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
