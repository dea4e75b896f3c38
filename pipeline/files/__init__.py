"""The only package that reads and writes the files the stages hand each other.

Every file is written under a temporary name and then renamed, so that a killed run
leaves either the old file, the new one or none; it carries `schema`, and a file of
another schema is refused. Made twice from the same inputs it has the same bytes.
Nothing here unpickles.
"""

from pipeline.files.arrays import (
    load_signal,
    load_spikes,
    open_signal,
    open_spikes,
    save_signal,
    save_spikes,
    signal_order,
    write_signal,
    write_spikes,
)
from pipeline.files.digests import file_digest, file_digests, inputs_digest
from pipeline.files.documents import dump_json, load_json, save_json, save_values
from pipeline.files.places import (
    DATA,
    UNFINISHED,
    clear_partial,
    folder,
    keep_only,
    refuse_links,
    replacing,
    replacing_folder,
)
from pipeline.files.recordings import load_recording, recording_parts, save_recording
from pipeline.files.tables import csv_text, load_table, save_csv, save_table
from pipeline.files.weights import load_weights, load_weights_meta, save_weights

__all__ = [
    "DATA",
    "UNFINISHED",
    "clear_partial",
    "csv_text",
    "dump_json",
    "file_digest",
    "file_digests",
    "folder",
    "inputs_digest",
    "keep_only",
    "load_json",
    "load_recording",
    "load_signal",
    "load_spikes",
    "load_table",
    "load_weights",
    "load_weights_meta",
    "open_signal",
    "open_spikes",
    "recording_parts",
    "refuse_links",
    "replacing",
    "replacing_folder",
    "save_csv",
    "save_json",
    "save_recording",
    "save_signal",
    "save_spikes",
    "save_table",
    "save_values",
    "save_weights",
    "signal_order",
    "write_signal",
    "write_spikes",
]
