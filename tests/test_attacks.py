"""Attacks that once worked, and the tests that hold against each: to be found by what was tried."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent


class Attack(NamedTuple):
    """What somebody did, and the tests that try it, by file."""

    number: int
    what: str
    tests: dict[str, tuple[str, ...]]


ATTACKS = (
    Attack(
        1,
        "a co-writer of a shared folder plants a half-done commit that leads out of it, by a link or by ../",
        {
            "hub/test_directory.py": (
                "test_a_planted_commit_writes_nothing_outside_of_the_folder",
                "test_a_planted_link_leads_no_write_out_of_the_folder",
                "test_a_pending_commit_that_no_writer_left_is_named_and_left_alone",
                "test_a_pending_commit_holds_what_it_recorded_or_nothing_is_carried_out",
                "test_only_a_boards_own_files_have_a_place",
            )
        },
    ),
    Attack(
        2,
        "a file of that folder is a link to the user's token, or a pipe",
        {
            "hub/test_directory.py": (
                "test_what_is_no_plain_file_is_neither_read_nor_waited_for",
                "test_publishing_into_a_folder_gives_nobody_the_users_token",
                "test_a_hard_link_gives_nobody_a_private_file_of_the_user",
                "test_a_folder_of_submissions_lists_no_links",
            ),
            "board/test_read.py": ("test_a_symbolic_link_is_not_followed", "test_a_pipe_is_not_waited_for"),
            "evidence/test_carry.py": (
                "test_a_link_in_the_place_of_the_bundles_takes_no_file_elsewhere_away",
            ),
        },
    ),
    Attack(
        3,
        "a row leaves out what would give it away: its gaps between tokens, or the model's size",
        {
            "board/test_schema.py": (
                "test_an_answer_of_several_tokens_needs_its_gaps",
                "test_a_models_size_is_a_number_of_weights",
                "test_a_size_that_nobody_can_reckon_with_is_refused",
                "test_no_other_spelling_of_a_rate_makes_a_new_configuration",
                "test_a_new_row_says_how_many_requests_there_were_at_once_or_how_they_came",
            ),
            "board/test_plausible.py": ("test_what_cannot_be_is_refused",),
        },
    ),
    Attack(
        4,
        "a copy of a row says that it was submitted earlier, or in the year 2100",
        {
            "board/test_standing.py": (
                "test_a_copy_of_a_row_never_replaces_its_author_whatever_time_it_states",
                "test_a_clock_that_runs_ahead_gives_nobody_else_its_time",
                "test_no_clock_orders_rows_of_equal_numbers",
            ),
            "board/test_derived.py": ("test_a_row_from_the_end_of_time_does_not_stop_the_others",),
            "hub/test_publish.py": (
                "test_a_copy_takes_nobody_s_place_and_no_time_that_a_row_states_is_believed",
            ),
        },
    ),
    Attack(
        5,
        "an unproved row is a trifle faster than a proved one; a row's verdict is forged or missing",
        {
            "board/test_standing.py": (
                "test_an_unproved_row_that_is_a_trifle_faster_displaces_no_evidenced_one",
                "test_a_row_far_above_what_was_reproduced_waits_as_a_claim",
                "test_two_who_agree_on_little_take_no_tier_from_a_row_that_was_there",
                "test_one_more_who_measures_as_much_undoes_what_two_agree_on",
            ),
            "hub/test_tiers.py": (
                "test_publishing_believes_nothing_that_somebody_made_up_of_the_rows_it_decides_about",
                "test_who_removes_the_evidence_of_a_row_does_not_put_a_claim_in_its_place",
                "test_one_false_listing_takes_nothing_from_a_proved_row",
                "test_evidence_that_takes_long_to_compute_holds_nobody_up",
                "test_a_copy_that_is_numbered_before_its_author_s_row_is_found_and_takes_no_place",
            ),
            "hub/test_publish.py": ("test_a_claim_displaces_no_row_whose_evidence_lies_in_the_dataset",),
            "board/test_submission.py": ("test_nobody_verifies_a_published_row_by_submitting_it_again",),
            "evidence/test_verify.py": ("test_a_verdict_that_does_not_follow_is_refused",),
        },
    ),
    Attack(
        6,
        "a dependency reads the upload's token while it is installed",
        {
            "test_parity.py": (
                "test_nothing_is_installed_where_a_secret_is_seen",
                "test_every_locked_package_has_one_version_and_its_hashes",
            ),
            "test_house.py": ("test_secrets_are_only_in_the_steps_that_publish_and_clean",),
            "test_noxfile.py": ("test_what_is_locked_is_installed_by_hash_and_runs_no_package_s_own_code",),
            "hub/test_commands.py": ("test_actions_identity_is_exchanged_for_a_token",),
        },
    ),
    Attack(
        7,
        "a row bears an id that was copied from somebody's open pull request",
        {
            "board/test_submission.py": (
                "test_nobody_takes_another_rows_id",
                "test_a_row_that_took_the_id_of_another_does_not_keep_that_out",
                "test_another_rows_file_is_not_written_over",
            ),
            "board/test_schema.py": ("test_a_new_row_of_a_newer_version_is_not_accepted",),
            "hub/test_publish.py": ("test_an_id_that_belongs_to_another_row_is_refused",),
        },
    ),
    Attack(
        8,
        "free fields make the board larger than its readers take",
        {
            "board/test_schema.py": ("test_a_new_row_has_at_most_16_kib_and_a_published_one_stays",),
            "hub/test_directory.py": (
                "test_a_commit_that_nobody_could_read_again_leaves_the_folder_as_it_was",
                "test_a_large_file_that_is_not_what_its_commit_recorded_is_not_carried_out",
            ),
            "hub/test_publish.py": (
                "test_what_others_add_to_the_comparison_is_kept_unless_it_would_stop_every_publish",
                "test_a_board_that_would_grow_too_large_for_its_readers_is_not_sent",
                "test_whoever_publishes_is_told_long_before_a_board_is_too_large",
            ),
        },
    ),
    Attack(
        9,
        "a Hub answers with 100 MiB of tiny values, or without an end",
        {
            "hub/test_store.py": (
                "test_an_answer_without_end_is_cut_off",
                "test_a_body_ends_where_its_listing_says_that_it_ends",
                "test_a_file_that_is_listed_as_too_large_is_not_fetched",
                "test_a_hub_that_drips_is_given_up_on",
            ),
            "board/test_entry.py": (
                "test_a_file_of_tiny_values_is_refused_before_it_is_parsed",
                "test_a_row_that_is_as_large_as_a_board_is_refused_before_it_is_parsed",
            ),
            "hub/test_publish.py": (
                "test_tiny_values_behind_a_head_of_ours_are_refused_before_they_are_parsed",
            ),
            "hub/test_directory.py": (
                "test_a_note_of_tiny_values_is_refused_before_it_is_parsed",
                "test_a_file_larger_than_any_row_is_no_submission_and_is_not_read",
                "test_folders_without_end_are_not_followed_to_it",
            ),
            "hub/test_rebuild.py": ("test_a_history_larger_than_anybody_s_rows_is_not_read_to_its_end",),
        },
    ),
    Attack(
        10,
        "a name that only looks like a known one is a new configuration",
        {
            "board/test_lookalike.py": (
                "test_names_that_look_alike_have_one_skeleton_or_differ_in_case",
                "test_a_name_that_only_looks_like_a_known_one_is_no_new_identity",
                "test_the_second_of_two_rows_handed_in_must_bear_the_first_ones_name",
                "test_a_name_like_that_of_a_documented_workload_is_refused_before_any_row_has_that",
                "test_how_a_model_is_split_is_said_by_whole_numbers_or_not_at_all",
            ),
            "board/test_hostile.py": ("test_a_hostile_text_is_refused_wherever_it_stands",),
        },
    ),
    Attack(
        11,
        "HF_ENDPOINT is a server that wants the token, or is asked in clear",
        {
            "hub/test_store.py": (
                "test_what_is_public_is_read_without_the_token",
                "test_nothing_is_asked_in_clear_of_another_machine",
                "test_a_redirect_to_another_place_takes_no_token_there",
                "test_a_token_does_not_follow_a_redirect_out_of_the_machine_in_clear",
            )
        },
    ),
    Attack(
        12,
        "somebody who may write changes or deletes an accepted row",
        {
            "hub/test_rebuild.py": (
                "test_a_submission_that_somebody_changed_is_found",
                "test_a_row_of_an_older_form_that_was_changed_in_place_is_found_by_the_history",
                "test_a_commit_taken_out_of_a_folders_log_is_found",
                "test_a_change_that_hides_in_a_merge_commit_is_found_by_the_history",
                "test_a_row_that_somebody_edited_on_the_board_gives_way_to_the_accepted_one",
                "test_an_edited_row_keeps_its_id_in_no_other_configuration",
            ),
            "hub/test_tiers.py": (
                "test_a_standing_that_somebody_made_up_is_found",
                "test_a_standing_that_somebody_made_up_puts_nobody_in_the_place_of_another",
                "test_evidence_that_was_changed_in_the_dataset_proves_nothing",
            ),
            "hub/test_publish.py": ("test_a_row_whose_own_file_was_damaged_is_published_again_by_its_owner",),
            "site/test_gather.py": ("test_what_is_not_the_row_that_its_name_says_is_left_out_and_named",),
        },
    ),
    Attack(
        13,
        "a model, a workload, a dataset or a folder has a name that commands the terminal",
        {
            "test_hostile_input.py": (
                "test_a_name_with_escapes_and_commands_does_nothing_anywhere",
                "test_a_folder_of_others_may_have_any_name",
            ),
            "test_echo.py": ("test_what_is_printed_holds_no_escape",),
            "report/test_run_reports.py": (
                "test_hostile_text_stays_text_in_markdown",
                "test_hostile_text_stays_text_in_html",
            ),
        },
    ),
    Attack(
        14,
        "a web page, or another program, drives our own llama.cpp during a run",
        {
            "engines/test_llamacpp.py": (
                "test_no_web_page_and_no_other_program_can_drive_the_server",
                "test_each_server_has_a_key_of_its_own",
                "test_what_others_ask_is_told_to_nobody",
            )
        },
    ),
    Attack(
        15,
        "an answer of single bytes, or of 60 MiB of tiny events",
        {
            "client/test_connection.py": (
                "test_an_answer_in_endless_tiny_chunks_is_given_up",
                "test_an_answer_without_an_end_is_given_up",
                "test_twenty_megabytes_of_tiny_events_cost_a_few_times_their_text",
            ),
            "client/test_events.py": ("test_more_events_than_any_context_has_tokens_are_no_answer",),
            "engines/test_metrics.py": ("test_an_endless_page_is_read_in_part",),
            "test_net.py": (
                "test_an_endless_answer_is_cut_short",
                "test_a_server_that_drips_is_given_up_in_time",
            ),
        },
    ),
    Attack(
        15,
        "a workload, model, data set or run is a pipe, a device, nested endlessly, or claims a text of 100 MB",
        {
            "test_hostile_input.py": (
                "test_pipes_and_devices_are_no_files",
                "test_deep_toml_is_refused",
                "test_a_pipe_is_no_model",
                "test_a_run_of_others_holds_only_plain_files",
                "test_the_requests_of_a_run_of_others_are_in_a_plain_file",
                "test_the_row_of_a_run_of_others_is_in_a_plain_file",
            ),
            "engines/test_gguf_facts.py": ("test_a_hostile_header_is_refused",),
            "workload/test_datasets.py": (
                "test_a_large_sharegpt_file_costs_the_memory_of_what_its_people_said",
                "test_a_huge_line_is_refused",
                "test_a_huge_file_is_refused",
                "test_what_is_no_file_is_refused",
            ),
        },
    ),
    Attack(
        15,
        "a name commands a workflow's log, or the server gives the key back in what becomes a folder's name",
        {
            "test_echo.py": ("test_a_workflow_takes_nothing_for_a_command",),
            "board/test_commands.py": ("test_a_file_name_cannot_command_a_workflow",),
            "test_hostile_input.py": (
                "test_a_key_that_the_server_gives_back_gets_into_no_folder_and_no_file",
            ),
            "test_outputs.py": ("test_any_name_is_one_harmless_folder",),
        },
    ),
    Attack(
        15,
        "a signature's certificate has a shape that makes the library of signatures fall over",
        {
            "evidence/test_keyless.py": (
                "test_a_certificate_of_any_shape_is_refused_and_stops_nothing",
                "test_a_changed_byte_anywhere_in_a_keyless_signature_undoes_it",
            )
        },
    ),
    Attack(
        15,
        "132 bytes of evidence unpack to 8 GiB, or ask for a prompt of 10^18 tokens, or are nested without end",
        {
            "evidence/test_carry.py": (
                "test_a_bundle_whose_files_are_larger_than_it_is_refused_without_making_them",
                "test_a_bundle_that_unpacks_to_more_than_is_allowed_is_refused_before_it_is_unpacked",
            ),
            "evidence/test_verify.py": (
                "test_evidence_that_would_harm_whoever_checks_it_is_refused_in_a_moment",
                "test_a_request_at_the_end_of_time_is_refused",
                "test_random_prompts_are_never_left_unchecked",
            ),
        },
    ),
    Attack(
        15,
        "who may write the dataset puts there what is no row, times that are none, and rows nested without end",
        {
            "hub/test_publish.py": ("test_what_is_no_row_on_a_board_does_not_stop_others_from_publishing",),
            "board/test_standing.py": ("test_a_damaged_file_is_said_to_be_damaged",),
            "site/test_page.py": ("test_a_row_nested_without_end_is_said_and_no_traceback",),
        },
    ),
)


def test_every_attack_has_its_number() -> None:
    assert sorted({attack.number for attack in ATTACKS}) == list(range(1, 16))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.number}: {attack.what}")
def test_what_holds_against_an_attack_is_there(attack: Attack) -> None:
    missing = [
        f"{file}::{test}"
        for file, tests in attack.tests.items()
        for test in set(tests) - functions(TESTS / file)
    ]
    assert attack.tests
    assert missing == []


def functions(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
