"""Findings of the desk: what a file cannot say by itself, only a ledger, a catalogue, a calendar or another file.

`CODES` is the closed list of every finding, the format library's and the desk's.
"""

from __future__ import annotations

from parsers import findings as library
from parsers.findings import AMEND, Codes, Reach

DESK = Codes()
_code = DESK.declare

# --- Landing, and what staff decided --------------------------------------------------------------------------------

NOT_A_FILE = _code(
    "NOT_A_FILE",
    "FIL-1",
    Reach.FILE,
    "{value} is a {kind}, not a file, so there was nothing to read",
    "common-format files placed directly in your inbox",
    "Put the file itself into the inbox, not a folder or a link.",
)
FILE_IN_FOLDER = _code(
    "FILE_IN_FOLDER",
    "FIL-1",
    Reach.FILE,
    "the file is in a folder inside your inbox ({value})",
    "common-format files placed directly in your inbox",
    "Send the file again straight into the inbox.",
)
UPLOAD_UNFINISHED = _code(
    "UPLOAD_UNFINISHED",
    "FIL-4",
    Reach.FILE,
    "the file has stayed under the name of an unfinished upload ({value}); it was not read",
    "the whole file under the name that your software gave it",
    "Send the file again under its own name. If your program sends under another name first, it must rename the file.",
)
FILE_TOO_LARGE = _code(
    "FILE_TOO_LARGE",
    "FIL-1",
    Reach.FILE,
    "the file has {size:,} bytes; it was kept but not read",
    "at most {limit:,} bytes",
    "Check that this is the file you meant. If it is, call customer services: they can have it read.",
)
FILE_FAILED = _code(
    "FILE_FAILED",
    "FIL-7",
    Reach.HOLD,
    "processing this file failed on our side ({value}); nothing of it was applied",
    "nothing from you: the fault is ours",
    "Nothing to do for you: the file is kept and staff have been told. You will get a new reply.",
)
TRIAL_FAILED = _code(
    "TRIAL_FAILED",
    "FIL-7",
    Reach.HOLD,
    "trying this file failed on our side ({value}); it says nothing about your file",
    "nothing from you: the fault is ours",
    "Nothing to do for you: staff have a copy and have been told. You can send the file: if it fails there too it is "
    "kept, and answered when our fault is mended.",
)
FEED_FAILED = _code(
    "FEED_FAILED",
    "FIL-7",
    Reach.HOLD,
    "our own code failed at this file ({value}); the other files were taken",
    "a file that our code can process",
    "Tell whoever looks after the desk: the log names the place. The file is kept in the archive under its SHA-256; "
    "once the desk has been mended, write it to the feed again.",
)

HELD_CLOSED = _code(
    "HELD_CLOSED",
    "FIL-1",
    Reach.FILE,
    "this file was held, and staff have closed it without applying any of it: {value}",
    "a decision by staff, who give their reason",
    "Nothing, unless staff have asked you to. Send any change that is still needed under the next number.",
)
HELD_RELEASED = _code(
    "HELD_RELEASED",
    "FIL-3",
    Reach.WARNING,
    "this file was held, and staff have released it: {value}",
    "files that do not need to be held",
    "Check what was applied: it may have replaced something newer.",
)

# --- Who speaks, and of what ----------------------------------------------------------------------------------------

FILE_DIRECTION = _code(
    "FILE_DIRECTION",
    "FIL-2",
    Reach.FILE,
    "this file is of the type {value}: we send these to you, you do not send them to us",
    "{sent}",
    "Check that you chose the right file: what you send begins with E (entries), A (amendments) or M (centre marks).",
)
FILE_TYPE_HELD = _code(
    "FILE_TYPE_HELD",
    "FIL-1",
    Reach.HOLD,
    "this is a file of {value}; we do not take {value} by file yet",
    "entries (E), amendments (A) and centre marks (M)",
    "Do not send it again: we have kept it, and staff will decide what to do. If a deadline is near, use the portal.",
)
OTHER_CENTRE = _code(
    "OTHER_CENTRE",
    "FIL-6",
    Reach.FILE,
    "{where} names centre {value}, but this is the inbox of centre {centre}",
    "centre {centre} in the folder, the file name, the headers and every record",
    "Send only your own centre's files here. If this is your file, the centre number in your school software is wrong.",
)
MANY_CENTRES = _code(
    "MANY_CENTRES",
    "FIL-6",
    Reach.FILE,
    "the file holds {value}",
    "one centre: a centre can only speak for itself",
    "{mend}.",
)
RECORD_CENTRE = _code(
    "RECORD_CENTRE",
    "FIL-6",
    Reach.FILE,
    "the record names centre {value}, but its centre header names {centre}",
    "{centre}",
    "Create the file again; candidates of another centre are entered by that centre.",
)
STREAM_UNKNOWN = _code(
    "STREAM_UNKNOWN",
    "FIL-2",
    Reach.FILE,
    'we have no series "{value}" (awarding-body identifier and series)',
    "{streams}",
    "Choose the right series in your school software (load our basedata first) and create the file again.",
)

# --- Candidates and their options -----------------------------------------------------------------------------------

CANDIDATE_NUMBER_SHARED = _code(
    "CANDIDATE_NUMBER_SHARED",
    "REG-5",
    Reach.CANDIDATE,
    "candidate number {candidate} is used for UCI {value} and for UCI {other}",
    "one candidate, one number, in a centre and series",
    "Give one of them another number and send both again in your next amendment (A) file. If it is one learner, send "
    "the UCI that is registered; a wrong one is corrected by an amendment of the registration.",
    together=(
        "candidate number {candidate} is used for several UCIs",
        "one candidate, one number, in a centre and series",
    ),
)
UCI_TWO_NUMBERS = _code(
    "UCI_TWO_NUMBERS",
    "REG-4",
    Reach.CANDIDATE,
    "UCI {value} appears under candidate number {candidate} and under {other}",
    "one UCI, one candidate number, in a centre and series",
    "Use one number: the one the candidate already has in this series, if there is one. Then send the candidate again "
    "in an amendment (A) file.",
    together=(
        "UCI {value} appears under several candidate numbers",
        "one UCI, one candidate number, in a centre and series",
    ),
)
ULN_TWO_UCIS = _code(
    "ULN_TWO_UCIS",
    "REG-4",
    Reach.CANDIDATE,
    "ULN {value} belongs to UCI {uci} here and to UCI {other} {where}",
    "one learner, one UCI, for life",
    "Find out which UCI is the older one and use it; if both have results, ask customer services to merge them.",
)
RECORDS_DISAGREE = _code(
    "RECORDS_DISAGREE",
    "REG-7",
    Reach.CANDIDATE,
    "the records of candidate {candidate} (UCI {value}) on lines {other} and {line} are not of one person: "
    "{differences} (here: line {line}, there: line {other})",
    "the same personal details in every record of a candidate",
    "Find out which record is right. Two learners need two candidate numbers and two UCIs. Send the candidate again in "
    "your next amendment (A) file.",
)
UCI_TWO_PEOPLE = _code(
    "UCI_TWO_PEOPLE",
    "REG-7",
    Reach.CANDIDATE,
    "UCI {value} would be two people: {differences}",
    "one UCI, one person; at most one of name, date of birth and sex other than in {where}",
    "Check whose UCI it is. If it is another learner's, correct it and send the candidate again in your next amendment "
    "(A) file. If it is one person, ask customer services: they can correct what is on record.",
    together=(
        "UCI {value} would be several people",
        "one UCI, one person; at most one of name, date of birth and sex other than in {where}",
    ),
)
ULN_DIFFERS = _code(
    "ULN_DIFFERS",
    "REG-6",
    Reach.CANDIDATE,
    "ULN {value} is not the one registered for UCI {uci}: {registered}",
    "{registered}, or a blank",
    "If the entry is wrong, correct it and send the candidate in an amendment (A) file. If the registration is wrong, "
    "amend that first, then enter.",
    together=(
        "the ULNs are not those that are registered",
        "the ULNs of the registrations, or blanks",
    ),
)
DETAILS_DIFFER = _code(
    "DETAILS_DIFFER",
    "REG-6",
    Reach.WARNING,
    "an entry changes no personal details, and candidate {candidate} has others here: {differences}",
    "the details of the registration",
    "If the registration is wrong, amend it: that is free. If the entry is wrong, correct it in your software; this "
    "alone stops no entry.",
    together=(
        "an entry changes no personal details, and these have others here than in the registration",
        "the details of the registration",
    ),
)
PRIVATE_CANDIDATE = _code(
    "PRIVATE_CANDIDATE",
    "REG-6",
    Reach.NOTE,
    "candidate {candidate} is sent as a private candidate ({value}): that is not kept, and makes no difference here",
    "C, or P",
    "Nothing to do.",
    together=(
        "sent as private candidates ({value}): that is not kept, and makes no difference here",
        "C, or P",
    ),
)
AGE_UNUSUAL = _code(
    "AGE_UNUSUAL",
    "FIL-4",
    Reach.WARNING,
    'date of birth "{value}" was read as {day}: candidate {candidate} is {age} years old at {series}',
    "10 to 20 years (a range of ours, not JCQ's)",
    "Nothing to do if the date is right. If not, correct it and send the candidate again in your next amendment (A) "
    "file.",
    together=(
        "by their dates of birth the candidates are not of the usual age at {series}",
        "10 to 20 years (a range of ours, not JCQ's)",
    ),
)
FILE_FROM_FUTURE = _code(
    "FILE_FROM_FUTURE",
    "FIL-4",
    Reach.WARNING,
    'by its trailer the file was produced on {day} ("{value}"), which is later than it came',
    "a day that is not in the future (ours: JCQ asks for the day of production only)",
    "Nothing to do now; look at the date of the computer that wrote the file.",
)
NO_DETAILS = _code(
    "NO_DETAILS",
    "REG-9",
    Reach.ENTRY,
    "{value} cannot be registered for UCI {uci}: name and date of birth of the learner are not on record here",
    "a registration file with the learner's details before it: no certificate is made out without a name",
    "Send the learner in a registration (E) or amendment (A) file.",
    together=(
        "{value} cannot be registered: name and date of birth of the learners are not on record here",
        "a registration file with the learner's details before it: no certificate is made out without a name",
    ),
)
UCI_NOT_CORRECTED = _code(
    "UCI_NOT_CORRECTED",
    "REG-8",
    Reach.CANDIDATE,
    "candidate {candidate} is held with UCI {old}, and UCI {value} is not put in its place: {why}",
    "the UCI held, until a person has looked at it",
    "Ask customer services: they can correct the UCI, or merge the two, and nothing is lost. There is no fee.",
)
UCI_REPLACED = _code(
    "UCI_REPLACED",
    "REG-8",
    Reach.NOTE,
    "UCI {value} of candidate {candidate} was replaced by {uci}, and is read as that",
    "{uci}",
    "Nothing to do now. Correct the UCI in your software.",
    together=(
        "the UCIs were replaced by others, and are read as those",
        "the UCIs in force",
    ),
)
REGISTERED_ALREADY = _code(
    "REGISTERED_ALREADY",
    "REG-8",
    Reach.WARNING,
    "candidate {candidate} is registered for {value} already, {where}; this registration is charged like a first one",
    "one registration of a learner for a qualification: it stands in later years too, and goes with who moves to you",
    "Nothing, if you want both. If not, ask customer services: they move a learner from another centre without a fee, "
    "and look at the fee for this registration.",
    together=(
        "the learners are registered for the qualification already; these registrations are charged like first ones",
        "one registration of a learner for a qualification",
    ),
)
OPTION_UNKNOWN = _code(
    "OPTION_UNKNOWN",
    "ENT-1",
    Reach.CANDIDATE,
    'option "{value}" is not in the {series} catalogue',
    "{codes}",
    "Nothing of this candidate was applied. " + AMEND,
)
OPTION_SIGNS = _code(
    "OPTION_SIGNS",
    "ENT-1",
    Reach.CANDIDATE,
    'option "{value}" is written with signs or spaces that codes of the {series} catalogue do not have',
    "{meant}",
    "Nothing of this candidate was applied. Write option codes in capitals and digits only, with nothing between them, "
    "and send the candidate again in your next amendment (A) file.",
    together=(
        "option codes are written with signs or spaces that codes of the {series} catalogue do not have",
        "capitals and digits only, with nothing between them",
    ),
)
RECORD_TWICE = _code(
    "RECORD_TWICE",
    "ENT-1",
    Reach.NOTE,
    "the record of candidate {candidate} stands here a second time, the same in every column; it counts once",
    "each record once",
    "Nothing to do.",
    together=(
        "records stand here a second time, the same in every column; they count once",
        "each record once",
    ),
)
OPTION_TWICE = _code(
    "OPTION_TWICE",
    "ENT-1",
    Reach.NOTE,
    "option {value} is entered twice for candidate {candidate}; it counts once",
    "each option once",
    "Nothing to do.",
    together=(
        "option {value} is entered twice; it counts once",
        "each option once",
    ),
)

TABLE_FINAL = _code(
    "TABLE_FINAL",
    "AWD-6",
    Reach.FILE,
    "results of {series} are approved or issued, so the conversion table of {option} cannot be replaced",
    "the boundaries by which {option} was awarded in {series}",
    "If the results are not out yet, withdraw them (`resultsday results withdraw {series}`), send the boundaries again "
    "and award anew. If they are out, they stand, and a correction is opened instead: `resultsday correction list` "
    "(RES-7).",
)
OPTION_NOT_IN_SERIES = _code(
    "OPTION_NOT_IN_SERIES",
    "CAL-4",
    Reach.ENTRY,
    "{value} ({title}) cannot be taken in {series}: {reason}",
    "{available}",
    "Remove the option, or enter the candidate in a series in which it is offered.",
)
NOT_REGISTERED = _code(
    "NOT_REGISTERED",
    "REG-2",
    Reach.ENTRY,
    "candidate {candidate} is not registered for {subject} at your centre, so {value} cannot be entered",
    "a registration for {subject} (code {registration}) of UCI {uci}{near}",
    "Send the registration in your registration series first, then the entry in your next amendment (A) file.",
    together=(
        "not registered for {subject} at your centre",
        "a registration for {subject} (code {registration}) of each of them",
    ),
)
NAME_MISMATCH = _code(
    "NAME_MISMATCH",
    "REG-3",
    Reach.CANDIDATE,
    'the name "{value}" is not the one registered for UCI {uci}: "{registered}"{near}',
    "{registered}",
    "If the entry is wrong, correct it and send the candidate in an amendment (A) file. If the registration is wrong, "
    "amend that first, then enter.",
    together=(
        "the names are not those that are registered{near}",
        "the names of the registrations",
    ),
)

# --- Windows, sequence and what was applied -------------------------------------------------------------------------

WINDOW_NOT_OPEN = _code(
    "WINDOW_NOT_OPEN",
    "ENT-2",
    Reach.FILE,
    "received {value}, before {window} for {series} opened",
    "{opens} to {closes} ({version})",
    "{open}Send the file again once the window is open.",
)
WINDOW_CLOSED = _code(
    "WINDOW_CLOSED",
    "ENT-2",
    Reach.FILE,
    "received {value}, after {window} for {series} closed",
    "{opens} to {closes} ({version})",
    "{open}{claims}Call customer services: only staff can still book anything for this series.",
)
CLAIM_WINDOW = _code(
    "CLAIM_WINDOW",
    "CRT-1",
    Reach.FILE,
    "received {value}, when certification for {series} cannot be claimed online: the entry window closed on {closes}",
    "claims by file or online up to {closes}, online again {late} ({version})",
    "Call customer services: they can make the claim.",
)
CLAIM_AWARDED = _code(
    "CLAIM_AWARDED",
    "CRT-5",
    Reach.ENTRY,
    "{value} of candidate {candidate} has been processed into a result and cannot be declined",
    "withdrawals of claims before their results are issued",
    "Nothing to do: the result stands. A learner who resits may claim again and hold both (CRT-4).",
    together=(
        "{value} has been processed into a result and cannot be declined",
        "withdrawals of claims before their results are issued",
    ),
)
RESULT_OUT = _code(
    "RESULT_OUT",
    "REG-9",
    Reach.ENTRY,
    "candidate {candidate} has an issued result in {value}, which rests on this entry",
    "withdrawals of entries before their results are issued",
    "Nothing to do if the result is right: it stands. If it is wrong, ask customer services to have it looked into.",
    together=(
        "results in {value} are issued, and rest on these entries",
        "withdrawals of entries before their results are issued",
    ),
)
ALREADY_PROCESSED = _code(
    "ALREADY_PROCESSED",
    "FIL-3",
    Reach.NOTE,
    "this same file, byte for byte, has been processed before: received {value}, answered in {reply}",
    "each file once",
    "Nothing to do: the first reply stands, and sending the file again changed nothing.",
)
FILE_SAYS_NOTHING = _code(
    "FILE_SAYS_NOTHING",
    "FIL-8",
    Reach.WARNING,
    "there is nothing in the file to act on: {value}",
    "{needed}",
    "Nothing was changed, and the file counts as not sent: its number is still free. If there was something to send, "
    "choose the candidates in your software, create the file again and send it.",
)
NUMBER_REUSED = _code(
    "NUMBER_REUSED",
    "FIL-3",
    Reach.HOLD,
    "sequence number {value} of {series} was used before, by a different file, received {earlier}",
    "the next number, {next:03d}",
    "Nothing was applied; staff will look at it. Send a new file under the next number.",
)
SECOND_ENTRY_FILE = _code(
    "SECOND_ENTRY_FILE",
    "FIL-3",
    Reach.HOLD,
    "an entry (E) file of yours for {series} was accepted before: {value}",
    "amendment (A) files after the first entry file",
    "Nothing was applied; staff will look at it. Send what changed as an amendment (A) file under the next number.",
)
SEQUENCE_OLD = _code(
    "SEQUENCE_OLD",
    "FIL-3",
    Reach.HOLD,
    "sequence number {value} of {series} arrived after {last:03d} was applied, and would now undo newer changes",
    "a number above {last:03d}",
    "Nothing was applied; staff will look at it. Send what is still to be changed in an amendment (A) file under the "
    "next number.",
)
SEQUENCE_GAP = _code(
    "SEQUENCE_GAP",
    "FIL-3",
    Reach.NOTE,
    "sequence number {value} follows {last:03d}: {missing} between them did not arrive or {were} refused",
    "{next:03d}",
    "If you meant something with a number in between, send it as a new amendment (A) file under the next number: under "
    "its own it comes too late. If not, nothing to do.",
)
AMENDMENT_FIRST = _code(
    "AMENDMENT_FIRST",
    "FIL-3",
    Reach.WARNING,
    "an amendment (A) file for {series} arrived before any entry (E) file",
    "one entry (E) file first, amendments after it",
    "If you have sent an entry file that got no reply, call us. Otherwise go on with amendment files.",
)
ENTERED_ELSEWHERE = _code(
    "ENTERED_ELSEWHERE",
    "ENT-7",
    Reach.ENTRY,
    "candidate {candidate} is entered for {value} ({title}) at another centre in this series",
    "a component, and a claim, once in a series, at one centre",
    "Nothing to send: customer services have this on their list. If the learner has come to you, they transfer the "
    "learner, with marks and without a fee.",
    together=(
        "entered for {value} ({title}) at another centre in this series",
        "a component, and a claim, once in a series, at one centre",
    ),
)
REGISTRATION_IN_USE = _code(
    "REGISTRATION_IN_USE",
    "REG-9",
    Reach.ENTRY,
    "the registration {value} of candidate {candidate} is not withdrawn: {resting} rest on it",
    "a registration on which nothing rests",
    "If the learner is to leave the qualification, withdraw the entries first, in an amendment (A) file of their "
    "series; results cannot be withdrawn. Then withdraw the registration.",
    together=(
        "the registration {value} is not withdrawn: {resting} rest on it",
        "a registration on which nothing rests",
    ),
)
WITHDRAWN = _code(
    "WITHDRAWN",
    "FIL-3",
    Reach.NOTE,
    "candidate {candidate}: withdrawn from {value}, which this file no longer lists",
    "every option the candidate is to keep, in every amendment",
    "Nothing to do if that was meant. If not, send the candidate again with every option.",
    together=(
        "withdrawn from {value}, which this file no longer lists",
        "every option the candidate is to keep, in every amendment",
    ),
)
LATE_FEE = _code(
    "LATE_FEE",
    "FEE-1",
    Reach.NOTE,
    "new entries in this file are charged at the {value} fee: received {received}, {why}",
    "on-time entries by {deadline} ({version})",
    "Nothing to do.",
)

# --- Approval, sittings, practice and the terminal rule -------------------------------------------------------------

CENTRE_NOT_APPROVED = _code(
    "CENTRE_NOT_APPROVED",
    "REG-1",
    Reach.ENTRY,
    "centre {centre} is not approved for {subject}{since}, so {value} cannot be taken",
    "an approval before the file is received",
    "Apply for approval (centres that offer our GCSEs are approved on request, others within some days), then send the "
    "candidate again in an amendment (A) file.",
    together=(
        "centre {centre} is not approved for {subject}{since}",
        "an approval before the file is received",
    ),
)
CENTRE_UNKNOWN = _code(
    "CENTRE_UNKNOWN",
    "REG-10",
    Reach.ENTRY,
    "centre {centre} is not in the register of centres, so {value} cannot be taken",
    "a centre in the register, approved for the qualification",
    "Check the centre number. If it is right, ask the board's centre services to put the centre into the register, "
    "then send the candidate again in an amendment (A) file.",
    together=(
        "centre {centre} is not in the register of centres",
        "a centre in the register, approved for the qualification",
    ),
)
REGISTER_ROW = _code(
    "REGISTER_ROW",
    "REG-10",
    Reach.ROW,
    'the {field} "{value}" of this row cannot be used',
    "{wanted}",
    "The row was not applied; the others were. Correct it and send it again in another file.",
)
REGISTER_REPEATED = _code(
    "REGISTER_REPEATED",
    "REG-10",
    Reach.NOTE,
    "the row of centre {value} stands here once more, the same in every column; it counts once",
    "each centre once",
    "Nothing to do.",
)
REGISTER_TWICE = _code(
    "REGISTER_TWICE",
    "REG-10",
    Reach.ROW,
    "centre {value} is in this file more than once",
    "one row for each centre",
    "None of its rows was applied. Send the one that is right in another file.",
)
REGISTER_LATER = _code(
    "REGISTER_LATER",
    "REG-10",
    Reach.WARNING,
    "centre {value} stays as {said} has it, which is the later word",
    "the newest row about the centre",
    "Nothing, if that is right. If this row is, send it again in another file.",
)
RETAKE_LIMIT = _code(
    "RETAKE_LIMIT",
    "ENT-3",
    Reach.ENTRY,
    "{value} ({title}) has already been taken {times} times: in {sat_in}",
    "at most {allowed} sittings of an internal component",
    "Remove the entry. If a sitting was not the learner's fault, ask customer services for another one.",
)
RESIT_LIMIT = _code(
    "RESIT_LIMIT",
    "ENT-4",
    Reach.ENTRY,
    "{value} ({title}) has already been sat {times} times: in {sat_in}",
    "at most {allowed} sittings of an external component, practice sittings included",
    "Remove the entry. If a sitting was not the learner's fault, ask customer services for another one.",
)
TERMINAL_RULE = _code(
    "TERMINAL_RULE",
    "ENT-5",
    Reach.WARNING,
    "{value} ({title}) is taken after the final external assessment of {sat_in}: without {external_code} in {series} "
    "too it cannot count towards an award",
    "{external_code} entered in {series} as well",
    "If the learner is to be awarded with this result, enter {external_code} in the same series.",
)
PRACTICE_SITTING = _code(
    "PRACTICE_SITTING",
    "ENT-6",
    Reach.WARNING,
    "{value} ({title}) is a practice sitting: {missing} will not be complete by the end of {series}",
    "every internal component taken by the end of {series}",
    "Nothing to do if a practice sitting is meant: it uses up one of two sittings and never counts towards an award. "
    "Otherwise enter {missing} too, or the external component in a later series.",
)

NOTHING_HELD = _code(
    "NOTHING_HELD",
    "FIL-3",
    Reach.WARNING,
    "candidate {candidate} is to be withdrawn from everything in {value}, and holds nothing in it",
    "a candidate with an entry in force",
    "Check the candidate number and the series; nothing was changed for this candidate.",
    together=(
        "to be withdrawn from everything in {value}, and holds nothing in it",
        "a candidate with an entry in force",
    ),
)

# --- The desk's own feeds (portal, staff, boundaries) ---------------------------------------------------------------

NOT_HELD = _code(
    "NOT_HELD",
    "FIL-3",
    Reach.WARNING,
    "{value} is to be withdrawn for candidate {candidate}, who does not hold it",
    "an entry in force",
    "Check candidate number, series and code; nothing was changed by this row.",
    together=(
        "{value} is to be withdrawn, and is not held",
        "an entry in force",
    ),
)

BOUNDARIES = _code(
    "BOUNDARIES",
    "AWD-1",
    Reach.FILE,
    "no conversion table can be made for {option} in {series}: {value}",
    "boundaries that fall from grade to grade and give each raw mark the grade of its uniform mark",
    "Nothing of the file was applied. Correct the boundaries and write the file again.",
)

# --- Moderation ------------------------------------------------------------------------------------------------------

MODERATION_ROW = _code(
    "MODERATION_ROW",
    "FIL-7",
    Reach.ROW,
    'the {field} "{value}" of this row cannot be used',
    "{wanted}",
    "The row was not applied, the others were. Mend it and send it again in another file.",
)
MODERATION_COHORT = _code(
    "MODERATION_COHORT",
    "MOD-2",
    Reach.ROW,
    "no sample of {value} was drawn",
    "series, centre and component of a sample list",
    "Check the three against the sample list. The row was not applied.",
)
MODERATION_LEARNER = _code(
    "MODERATION_LEARNER",
    "MOD-2",
    Reach.ROW,
    "the learner with UCI {value} is not in this sample",
    "a UCI of the sample list",
    "Check the UCI against the sample list. The row was not applied.",
)
MODERATION_MARK = _code(
    "MODERATION_MARK",
    "MOD-2",
    Reach.ROW,
    'the mark "{value}" cannot be used',
    "a whole number from 0 to {raw_max}",
    "Write the raw mark, digits only. The row was not applied.",
)
MODERATION_TWO_MARKS = _code(
    "MODERATION_TWO_MARKS",
    "MOD-2",
    Reach.ROW,
    "the learner has several marks in this file; here {value}",
    "one row for each learner",
    "Send the mark that is meant, once. None of these rows was applied.",
)
MODERATION_COMPARED = _code(
    "MODERATION_COMPARED",
    "MOD-2",
    Reach.ROW,
    "the moderator's mark {value} comes too late: this sample has been compared, with {held}",
    "marks before the sample is complete",
    "The first mark stands. If it is wrong, tell the person who approves the adjustment.",
)
MODERATION_MISSING = _code(
    "MODERATION_MISSING",
    "MOD-2",
    Reach.WARNING,
    "no moderator's mark yet for UCI {value} of {cohort}",
    "a mark for every learner of the sample",
    "Send the missing marks in another file. Until then this sample is not compared.",
)

# --- Marks -----------------------------------------------------------------------------------------------------------

_MARK_AGAIN = "Correct it and send the mark again in a new file of marks."

MARK_COMPONENT = _code(
    "MARK_COMPONENT",
    "MRK-1",
    Reach.MARK,
    "there are no marks for {value} in {when}: {why}",
    "the code of a component that can be taken in {when}",
    _MARK_AGAIN,
)
MARK_EXTERNAL = _code(
    "MARK_EXTERNAL",
    "MRK-1",
    Reach.MARK,
    "{value} ({title}) is the external component: its marks come from our own marking, not from centres",
    "marks of internal components",
    "Leave this record out. If you meant an internal component, correct the code and send the mark in a new file.",
)
MARK_INTERNAL = _code(
    "MARK_INTERNAL",
    "MRK-1",
    Reach.MARK,
    "{value} ({title}) is an internal component: its marks come from the centre, not from our own marking",
    "marks of external components",
    "Check the component code. If it is right, this row does not belong here.",
)
MARK_LEARNER = _code(
    "MARK_LEARNER",
    "MRK-1",
    Reach.MARK,
    "candidate number and UCI belong to two learners: {who}",
    "number and UCI as they were entered for {option}",
    "Find out which of the two is right and send the mark again in a new file of marks.",
)
MARK_ROW = _code(
    "MARK_ROW",
    "MRK-1",
    Reach.MARK,
    'the {field} "{value}" of this row cannot be used',
    "{wanted}",
    "The row was not applied; the others were. Correct it and send it again in another file.",
)
MARK_NOT_ENTERED = _code(
    "MARK_NOT_ENTERED",
    "MRK-1",
    Reach.MARK,
    "candidate {value} is not entered for {option} in {when}",
    "an entry in force for {option}",
    "Check candidate number, component code and series. If the entry is missing, make it first, in an amendment (A) "
    "file while the window is open; then send the mark again in a new file of marks.",
    together=(
        "not entered for {option} in {when}",
        "an entry in force for {option}",
    ),
)
MARK_REPEATED = _code(
    "MARK_REPEATED",
    "MRK-1",
    Reach.NOTE,
    "the mark of candidate {value} in {option} stands here once more, the same in every column; it counts once",
    "each mark once",
    "Nothing to do.",
    together=(
        "marks stand here once more, the same in every column; they count once",
        "each mark once",
    ),
)
MARK_TWICE = _code(
    "MARK_TWICE",
    "MRK-1",
    Reach.MARK,
    "there are several marks for candidate {value} in {option} in this file (lines {lines}); none of them was taken",
    "one mark for a learner in a component",
    "Send the mark that is meant, once, in a new file of marks; two candidate numbers of one learner have one mark, "
    "under either.",
)
MARK_ABOVE = _code(
    "MARK_ABOVE",
    "MRK-1",
    Reach.MARK,
    "the mark {value} is above the maximum of {option} ({title})",
    "a raw mark from 0 to {limit}",
    _MARK_AGAIN,
)
MARK_MISSING = _code(
    "MARK_MISSING",
    "MRK-1",
    Reach.MARK,
    "there is neither a mark nor a status",
    "a raw mark from 0 to {limit}, or the status A (absent) or N (not yet available)",
    _MARK_AGAIN,
)
MARK_AND_STATUS = _code(
    "MARK_AND_STATUS",
    "MRK-1",
    Reach.MARK,
    "there is a mark and the status {value}, which says that there is none",
    "either marks, or the status A (absent) or N (not yet available)",
    _MARK_AGAIN,
)
MARK_TASKS = _code(
    "MARK_TASKS",
    "MRK-1",
    Reach.MARK,
    "the marks of the tasks add up to {sum}, but the total says {value}",
    "a total of {sum}, or no marks of tasks",
    _MARK_AGAIN,
)
MARK_FINAL = _code(
    "MARK_FINAL",
    "AWD-5",
    Reach.MARK,
    "the results of {when} are approved or issued, so the mark of candidate {value} in {option} is final",
    "marks before the results of {when} are approved",
    "The mark was not taken. If the results are not out yet, they can be withdrawn, marked and awarded again. What is "
    "issued is never changed by a mark that arrives, only by a correction: the board's own mark opens one, a centre "
    "asks for one (RES-7).",
    together=(
        "the results of {when} are approved or issued, so the marks in {option} are final",
        "marks before the results of {when} are approved",
    ),
)
MARK_LATE = _code(
    "MARK_LATE",
    "MRK-3",
    Reach.MARK,
    "{count} for {option} came on {value}, after the deadline, {due}; {window}",
    "marks up to the deadline; after it only amendments, while moderation feedback has opened the window",
    "What we held before stands. An assignment cannot be resubmitted after the deadline. If the mark could not be sent "
    "in time, ask customer services for an extension and send it again; once the sample has been compared again after "
    "feedback, no extension opens the window again.",
)

MARKS_COMPLETE = _code(
    "MARKS_COMPLETE",
    "MOD-3",
    Reach.NOTE,
    "you have said that your marks of {value} in {series} are complete: {what}",
    "a sample drawn before the deadline, where you say that you have marked everybody",
    "Look for the sample in your outbox once it is drawn. A mark that is still missing can be sent until the deadline "
    "for marks.",
)
NOT_COMPLETED = _code(
    "NOT_COMPLETED",
    "MOD-3",
    Reach.FILE,
    "the marks of {value} in {series} cannot be complete: {why}",
    "an internal component for which you have learners entered in {series}",
    "Nothing of the file was applied. Correct the code of the component, and say it again.",
)
MARK_AFTER_DRAW = _code(
    "MARK_AFTER_DRAW",
    "MOD-3",
    Reach.WARNING,
    "{count} for {option} came after the sample was drawn on {value}",
    "no change of marks once the sample is drawn",
    "Nothing to do: what you sent is taken. If the highest or the lowest mark has changed, the sample is drawn anew "
    "within a day, and the new list in your outbox says why.",
)

CODES = Codes(library.CODES | DESK)
"""Every finding there is: replies, `resultsday check`, the ledger and the page of findings use these codes."""
