"""What rung writes, it may write again; what somebody else wrote or changed, it keeps and reports."""

from __future__ import annotations

from pathlib import Path

from rung.terraform.writing import findings_of, read_manifest, write

FILES = {"Dockerfile": "FROM scratch\n", "infra/prod/data.tf": "# data\n", "scripts/release": "#!/bin/sh\n"}


def _states(root: Path, files: dict[str, str], *, force: bool = False) -> dict[str, str]:
    return {each.path: each.state for each in write(root, files, ("infra/prod/",), force=force)}


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    assert set(_states(tmp_path, FILES).values()) == {"new"}
    assert set(_states(tmp_path, FILES).values()) == {"unchanged"}
    assert (tmp_path / "scripts/release").stat().st_mode & 0o100


def test_what_rung_wrote_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert _states(tmp_path, {**FILES, "Dockerfile": "FROM other\n"})["Dockerfile"] == "changed"
    assert (tmp_path / "Dockerfile").read_text() == "FROM other\n"


def test_a_file_of_somebody_else_is_kept_until_it_is_forced(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    outcomes = write(tmp_path, FILES)
    assert [finding.code for finding in findings_of(outcomes)] == ["R1001"]
    assert (tmp_path / "Dockerfile").read_text() == "FROM mine\n"
    assert "Dockerfile" not in read_manifest(tmp_path)
    assert _states(tmp_path, FILES, force=True)["Dockerfile"] == "changed"
    assert (tmp_path / "Dockerfile").read_text() == "FROM scratch\n"


def test_a_change_by_hand_is_kept_and_stays_known(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "infra/prod/data.tf").write_text("# data of mine\n")
    newer = {**FILES, "infra/prod/data.tf": "# newer\n"}
    for _ in range(2):
        outcomes = write(tmp_path, newer)
        assert [finding.code for finding in findings_of(outcomes)] == ["R1002"]
        assert (tmp_path / "infra/prod/data.tf").read_text() == "# data of mine\n"


def test_a_change_that_is_generated_too_is_no_conflict(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "Dockerfile").write_text("FROM other\n")
    assert _states(tmp_path, {**FILES, "Dockerfile": "FROM other\n"})["Dockerfile"] == "unchanged"


def test_what_is_generated_no_more_goes_where_it_was_ours(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "infra/prod/async.tf": "# async\n", "infra/prod/edge.tf": "# edge\n"})
    (tmp_path / "infra/prod/edge.tf").write_text("# edge of mine\n")
    (tmp_path / "infra/prod/own.tf").write_text("# never ours\n")
    states = _states(tmp_path, FILES)
    assert states["infra/prod/async.tf"] == "removed"
    assert states["infra/prod/edge.tf"] == "kept"
    assert not (tmp_path / "infra/prod/async.tf").exists()
    assert (tmp_path / "infra/prod/own.tf").exists()
    assert "infra/prod/async.tf" not in read_manifest(tmp_path)


def test_other_environments_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"infra/staging/data.tf": "# staging\n"}, ("infra/staging/",))
    _states(tmp_path, FILES)
    assert (tmp_path / "infra/staging/data.tf").exists()
    assert set(read_manifest(tmp_path)) == {*FILES, "infra/staging/data.tf"}
