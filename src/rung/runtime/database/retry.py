"""Which statements may be sent a second time when the connection was lost before the answer came."""

from __future__ import annotations

import re
from functools import lru_cache

from rung.runtime.database.sql_text import blank

_WRITES = re.compile(r"\b(?:insert|update|delete|merge|into|call|do|copy|share|lock|nextval|set)\b", re.IGNORECASE)
_READS = re.compile(r"\s*(?:\(\s*)*(?:select|with|values|table|show)\b", re.IGNORECASE)
_CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\(")


def _words(text: str) -> list[str]:
    return text.split()


#: What looks like a call and is none.
_KEYWORDS = frozenset(
    _words("""
    and any all array as between by case else end except exists extract filter from group grouping
    having in intersect interval is join lateral like limit materialized not numeric offset on or order
    over overlaps partition recursive row select sets some then union using values varchar when where
    with within
    """)
)
#: The server's own functions that change nothing. A function that is not here may do anything.
_HARMLESS = frozenset(
    _words("""
    abs age array_agg array_length array_position array_remove array_to_string avg bool_and bool_or
    btrim cardinality cast ceil ceiling char_length coalesce concat concat_ws count cume_dist
    current_setting date date_bin date_part date_trunc dense_rank encode decode every exp first_value
    floor format generate_series greatest initcap json_agg json_build_array json_build_object
    json_object_agg jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length
    jsonb_build_array jsonb_build_object jsonb_each jsonb_object_agg jsonb_path_query lag last_value
    lead least left length ln log lower lpad ltrim make_date make_interval max md5 min mod now nth_value
    ntile nullif overlay percent_rank percentile_cont percentile_disc phraseto_tsquery plainto_tsquery
    position power rank regexp_match regexp_matches regexp_replace repeat replace reverse right round
    row_number row_to_json rpad rtrim sign split_part sqrt stddev string_agg string_to_array strpos
    substr substring sum to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector
    translate trim trunc ts_headline ts_rank ts_rank_cd unnest upper variance websearch_to_tsquery
    width_bucket word_similarity similarity
    """)
)


@lru_cache(maxsize=2048)
def is_repeatable(sql: str) -> bool:
    """Whether `sql` certainly only reads, so that sending it twice is sending it once.

    Certain means: one statement that starts as a query, has no word that writes or locks, and calls only
    functions of the server that are known to change nothing. A view over a function that writes deceives it.
    """
    words = blank(sql).strip().rstrip(";")
    if ";" in words or _READS.match(words) is None or _WRITES.search(words) is not None:
        return False
    if '"' in sql:  # a quoted name may be a function's
        return False
    called = {name.lower() for name in _CALL.findall(words)}
    return called <= _HARMLESS | _KEYWORDS
