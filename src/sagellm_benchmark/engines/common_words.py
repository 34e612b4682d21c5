"""Everyday English words of four letters or more. Each is one token for dummy weights and for most real models."""

from __future__ import annotations

COMMON_WORDS: tuple[str, ...] = tuple(
    """
    about above across action after again against almost along already also always among another answer
    anyone anything area around asked away back base became because become been before began behind being
    believe below best better between black blue board body book both boys bring brought brown build building built
    business call called came care carry case cause center certain change check children city class clear
    close cold color come common complete consider control cost could country course cover create cross
    current dark data days deal decide deep design different direct does done door down draw drive during
    each early earth east easy effect eight either else energy enough even evening ever every exact example
    experience face fact fall family farm fast father feel feet field figure fill final find fine fire first
    fish five floor follow food force form found four free friend from front full game gave general girl give
    glass goes gold gone good government great green ground group grow half hand happy hard have head hear
    heard heart heat heavy held help here high hold home horse hour house human hundred idea important inch
    include increase inside interest into iron island just keep kept kind king knew know land language large
    last late later laugh lead learn least leave left less letter level life light like line list listen
    little live local long look lost love machine made main make many mark market matter maybe mean measure
    member might mile mind minute miss money month moon more morning most mother mountain move much music
    must name nation nature near need never next night nine north note nothing notice noun number object
    ocean often once only open order other over page paper part party pass past pattern people perhaps period
    person picture piece place plain plan plane plant play point poor position possible power present press
    problem process produce program public pull question quick quiet rain ready real reason record remember
    report rest result return rich right river road rock room round rule said same school science season
    second seen send sentence serve service seven several shape ship short should show side simple since sing
    size sleep slow small snow social some song soon sound south space speak special stand star start state
    stay step still stone stood stop story street strong study such sudden summer support sure surface system
    table take talk teach tell test than that their them then there these they thing think third this those
    though thought thousand three through time together told took toward town travel tree true turn under
    unit until upon usual very voice wait walk wall want warm watch water week well went were west what wheel
    when where which while white whole whose wide wild will wind window winter wish with within without woman
    wonder wood word work world would write year young your
    """.split()  # noqa: SIM905 - a list of this length would take a screen for each letter
)
