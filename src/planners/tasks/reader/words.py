"""The tables of words that the reader knows. What stands in none of them is not read.

Phrases are written as the tokens come out of `tokens.tokenize`: small letters, contractions
expanded (``don't`` is ``do not``, ``what's`` is ``what is``), hyphens gone.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTRACTIONS: Mapping[str, str] = {
    "don't": "do not", "dont": "do not", "doesn't": "does not", "doesnt": "does not",
    "can't": "can not", "cant": "can not", "cannot": "can not", "won't": "will not",
    "wont": "will not", "isn't": "is not", "isnt": "is not", "aren't": "are not",
    "arent": "are not", "mustn't": "must not", "shouldn't": "should not", "needn't": "need not",
    "hasn't": "has not", "haven't": "have not", "wasn't": "was not", "weren't": "were not",
    "didn't": "did not", "wouldn't": "would not", "couldn't": "could not",
    "it's": "it is", "that's": "that is", "there's": "there is", "they're": "they are",
    "theyre": "they are", "we're": "we are", "i'm": "i am", "im": "i am", "i'll": "i will",
    "we'll": "we will", "they'll": "they will", "we've": "we have", "they've": "they have",
    "let's": "let us", "lets": "let us", "o'clock": "oclock", "who's": "who is",
    "u": "you", "ur": "your", "pls": "please", "plz": "please", "ppl": "people", "prio": "priority",
    "thx": "thanks", "til": "until", "till": "until", "anymore": "any more", "w": "with",
    "canceled": "cancelled", "tires": "tyres", "tire": "tyre", "rn": "right now",
    "gotta": "have to", "em": "them", "ain't": "is not", "aint": "is not", "theres": "there is",
    "yr": "your", "r": "are", "cuz": "because", "cos": "because", "wanna": "want to",
    "deliverd": "delivered", "prioritize": "prioritise", "doc": "dock", "ord": "order",
}  # fmt: skip

FILLERS = """
the | a | an | this | that | please | kindly | hi | hey | hello | thanks | thank you | cheers
| mate | all | ok | okay | folks | team | guys | ta | is | are | be | been | being | am | gets
| get | got | getting | have | has | having | had | its | their | his | her | our | your | my
| us | we | i | you | me | they | as | to | at | for | of | on | over to | down to | along to
| up | into | out | there | here | robot | order | orders | delivery | deliveries | one | ones
| job | jobs | load | loads | stuff | goods | things | thing | consignment | shipment
| shipments | parcel | parcels | box | boxes | needs | need | needed | want | wants | wanted
| require | requires | must | has to | have to | needs to | need to | is to | are to | should be
| bring | brings | deliver | delivers | delivered | delivering | send | sends | sent | take
| takes | taken | give | make | makes | made | put | puts | move over | reach | reaches | arrive
| arrives | arrived | show up | go | goes | going | come | comes | run | set | mark | marked
| treat | treated | count | counts | counted | bump | raise | raised | lower | lowered | upgrade
| upgraded | downgrade | downgraded | change | changed | switch | become | becomes | drops to
| drop to | goes to | moves to | move to | make sure | be sure | see that | see to it that
| ensure | can you | could you | would you | can we | could we | you can | can go | may go
| gets to | it is | that is | there is | there are | these are | just | so | because | since
| also | too | as well | both | two of | of the two | whole | its dock | their dock | the dock
| dock | docks | aisle | aisles | time | times | due time | due times | due date | customer
| client | patient | driver | customers | clients | patients | drivers | hands | handled
| handle | treat it | who | which | what | whatever | everybody | everyone | item | items | stay
| stays | keep | keeps | kept | remain | remains | leave | left | from us | where | than
| booked | planned | scheduled | agreed | than booked | than planned | than agreed
| than scheduled | than it was due | than due | to whatever was agreed | to what was agreed
| to the agreed time | to its due time | to the due time | to their due times | onto | now fine
| is fine | is enough | will do | fine | will be fine | right | in | in it | still | bit | note
| fyi | heads up | careful | be careful | reminder | attention | morning | good morning
| afternoon | lol | haha | yo | hiya | lads | buddy | pal | nurse | doctor | ward | hospital
| clinic | lab | surgeon | foreman | shop | buyer | painters | electricians | plumbers | fitters
| welders | contractors | somebody | someone | men | women | visitors | kids | priority of
| the priority | from the list | sharp | on the dot | exactly | precisely | now | from now
| can someone | could someone | can somebody | could somebody | dear | crew | staff | cleaner
| cleaners | forklift | pallet | pallets | gate | shutter | ramp | doors | to clear it
| to clear up | to clear that | to clean up | to clean it up | to mop up | to fix it
| to repair it | to finish | to get it done | to sort it out | to sort it | contents | content
| inside it | inside
"""

# A question that begins like this is none.
REQUESTS = """
can you | could you | would you | please | can we | could we | can someone | could someone
| can somebody | could somebody
"""

CUES: Mapping[str, str] = {
    "urgent": """
        urgent | urgently | rush | rush job | rush jobs | rush order | rush orders | asap
        | first | as soon as possible | top priority | high priority | highest priority
        | of top priority | priority urgent | urgent priority | right away | right now
        | straight away | immediately | prioritise | expedite | expedited | before anything else
        | before everything else | first of all | ahead of everything else | ahead of all others
        | top of the list | to the top of the list | to the front of the queue
        | front of the queue | jumps the queue | is waiting for | are waiting for | waits for
        | waiting for | waiting on | is waiting on | is being waited for | in a hurry
        | hurry with | hurry up with | rush through | now please | pronto | very urgent
        | super urgent | really urgent | most urgent | extremely urgent | can not wait
        | must not wait | priority one | number one priority | takes priority | has priority
        | have priority | gets priority | give priority | comes first""",
    "low": """
        low | low priority | lowest priority | lower priority | of low priority | priority low
        | can wait | may wait | could wait | last | last of all | at the very end
        | after all others | after everything else | least urgent | least of our problems
        | least of our worries | low urgency | bottom of the list | back of the queue
        | to the back of the queue | to the bottom of the list | whenever there is time
        | when there is time | whenever you have time | whenever | non urgent | at the end
        | whenever it suits | when it suits | low on the list | can come last | can go last
        | not before the others | can take its time | can take their time | take your time with""",
    "normal": """
        normal | normal priority | priority normal | ordinary priority | standard priority
        | regular priority | usual priority | of normal priority | back to normal
        | back to normal priority | default priority | medium priority""",
    "not_level": """
        not urgent | not a rush | not a rush job | not as urgent | not first | not low
        | not low priority | not top priority | no longer urgent | not urgent any more
        | no longer low | not a priority | not high priority | do not treat | do not rush
        | no longer a priority | no longer a rush job | no longer a rush | not the priority""",
    "avoid": """
        avoid | avoiding | keep out of | keep out | stay out of | stay out | stay away from
        | stay away | keep away from | keep away | keep the robot away from
        | keep robots away from | keep the robot out of | keep robots out of
        | keep your robot out of | stay clear of | steer clear of | keep clear of | keep clear
        | stay clear | stay off | keep off | do not take | do not use | do not enter
        | do not go into | do not go in | do not go down | do not go through | do not go near
        | do not go along | do not drive through | do not drive into | do not drive in
        | do not drive down | do not drive along | do not run through | do not route through
        | do not pass through | do not set foot in | do not come through | do not come near
        | never use | never take | never enter | never drive through | no driving in
        | no driving through | no entry | no entry to | no entry into | no go | no go zone
        | no robots in | no robot in | no traffic in | no traffic through | nothing through
        | no way through | no passage | not through | not via | not passable | impassable
        | can not be used | must not be used | may not be used | is not to be used
        | are not to be used | can not be driven | can not be entered | must not be entered
        | is not usable | not usable | unusable | not fit to drive | detour around
        | drive around | go around | go round | route around | find a way round
        | find another way than | people working | people at work | people are working
        | people in it | has people in it | people in | people are in | staff working
        | crew working | workers | workmen | being cleaned | being mopped | being swept
        | being painted | being repaired | being restocked | wet floor | oil | oil spill
        | oil on the floor | leak | leaking | broken glass | maintenance | inspection
        | working in | at work | working there | someone in | someone is in | somebody in
        | somebody is in | visitors in | kids in | children in | never go down | never go into
        | never go in | never go through | never send the robot into
        | do not send the robot into | do not send the robot through
        | do not send the robot down | do not let the robot into | no robots | wet
        | the floor is wet | mopping | spill | spillage | spilled | spilt | under repair
        | roadworks | forklift unloading | a forklift is unloading there | forklift is unloading
        | forklift working | people working there | people are working there
        | someone is working there | a forklift is working there | a forklift is loading there
        | they are unloading there | they are cleaning there | they are mopping there
        | not to be entered | tipped over | has tipped over | fallen over | has fallen over
        | collapsed | has collapsed | toppled over | flooded | icy | is being cleaned
        | is being mopped | mopped | mopped right now | will not be passable | not drivable
        | undrivable | slippery""",
    "shut": """
        close | closed | closes | shut | shuts | shut off | closed off | blocked | blocked off
        | barred | off limits | out of bounds | out of use | out of service | out of action
        | not available | unavailable | sealed off | cordoned off | roped off | taped off
        | fenced off | closed to the robot | closed to robots | closed for robots
        | close to the robot | jammed | locked | inaccessible | not accessible
        | can not be accessed | not open | not open yet | not in use | can not take deliveries
        | can not take any deliveries | can not take goods | not taking anything
        | can not accept deliveries | does not take anything | to the robot | close off
        | block off | block | seal off | can not take anything | can not take anything yet
        | can not take it yet | can not receive anything | can not accept anything
        | can not unload | not ready""",
    "reopens": """
        reopens | opens again | open again | reopens only | opens | opens only | back in use
        | free again | clear again | usable again | ready again""",
    "hold": """
        hold | hold back | hold off on | hold off | hold on to | hold onto | holds | on hold
        | put on hold | goes on hold | stays on hold | held | held back | keep back | kept back
        | keep on hold | must wait | has to wait | have to wait | needs to wait | need to wait
        | should wait | wait with | is to wait | are to wait | waits | park | parked | pause
        | paused | stays put | stay put | stays here | sit on | freeze | not to leave
        | not to go out | not to be sent | not to set out | not ready to go""",
    "hold_before": """
        delay | postpone | delayed | postponed | do not send | do not send out | do not start
        | do not start on | do not start with | do not dispatch | do not ship | do not pick
        | do not pick up | do not collect | do not load | do not move | do not touch
        | do not set out with | do not leave with | do not go out with | do not let
        | do not fetch | must not leave | must not go out | must not set out | must not go
        | must not be sent | must not be sent out | must not start | may not leave
        | may not go out | may not set out | can not leave | can not go out | can not go
        | can not set out | can not be sent | can not be sent out | can not start
        | is not to leave | is not to go out | is not to set out | are not to leave
        | are not to go out | are not to set out | not to go out | not to leave
        | should not leave | should not go out | does not leave | does not go out
        | do not go out | nothing | nothing goes | nothing to go | nothing leaves
        | no deliveries to | no deliveries for | no deliveries | no orders to | no orders for
        | nothing for | nothing to | not be sent out | not be sent | do not take out
        | do not release | do not get going with""",
    "forbid": """
        cancel | cancelled | cancelled by the customer | scrapped | bin | binned | called off
        | void | withdrawn | was cancelled | were cancelled | got cancelled | remove | removed
        | refused | refuse | refuses | will refuse | rejected | no longer want | no longer wants
        | no longer wanted | no longer need | no longer needed | no longer needs
        | no longer required | no longer require | nobody wants | nobody wants any more
        | no one wants | nobody needs | no one needs | not wanted | not wanted any more
        | not needed | not needed any more | not required | not required any more | do not want
        | does not want | do not want any more | do not need any more | do not need
        | does not need | do not need them | not to be delivered | not to be delivered at all
        | must not be delivered | must not be delivered at all | should not be delivered
        | will not be delivered | do not deliver | do not deliver at all | do not bring | delete
        | strike | strike off | forbidden | sold out | out of stock | drop the order
        | want nothing | do not want anything | nothing left to deliver | will not take
        | will not accept | do not accept | does not accept | need not be delivered
        | has been pulled | been pulled | pulled""",
    "any_more": "any more | after all | at all",
    "fragile": """
        fragile | careful handling | gentle handling | needs care | need care | extra care
        | special care | breakable | breakables | delicate | with care | handle with care
        | with great care | with extra care | carefully | very carefully | careful with
        | be careful with | take care with | easily broken | easily damaged | breaks easily
        | break easily | easy to break | gently | gentle with | be gentle with | go easy on
        | handle gently | damages easily | damage easily | is easily damaged
        | are easily damaged | easily breaks | easily cracked | cracks easily | crack easily
        | scratches easily | scratch easily | shatters easily | shatter easily | bruises easily
        | must not be shaken | do not shake | must not be dropped | do not drop
        | must not be bumped | do not jolt | do not bump | must not be knocked | do not knock
        | sensitive to knocks | sensitive to shocks | brittle | sensitive to bumps""",
    "due": "due | is due | are due | deadline | is wanted | are wanted",
    "limit": """
        at most | at the most | max | maximum | tops | no more | no longer | at the latest
        | latest | or less | not more | no later | not later""",
    "open_end": """
        until further notice | until i say so | until i say otherwise | until told otherwise
        | until you hear from me | until we say so | until i tell you | until i call
        | until we call | until i shout | for now | for the moment | for the time being
        | indefinitely | i will shout | until i give the word | until you are told | until i say
        | until i let you know | until we tell you | until we let you know
        | i will shout when they are ready | i will shout when it is ready
        | i will tell you when | i will let you know | i will say when
        | i will let you know when | i will call | until i am back | with no end in sight
        | for good | until further orders""",
}  # fmt: skip
"""What a phrase says. ``shut`` closes an aisle, or holds a dock's orders."""

CORRECTIONS = """
no | no wait | wait | no sorry | sorry | sorry no | i mean | i meant | or rather | rather
| make that | make it | no make that | no make it | correction | typo | scratch that | actually
| no i mean | no i meant | no not | oops | my mistake | i should say | sorry i mean
| sorry i meant | wait no | actually no | or better | should read | that should be
| that should read | strike that | sorry make that | wait make that | i mean to say
| or actually | whoops | no it is | correct that to | change that to
"""

PRONOUNS = """
it | them | they | these | those | that one | this one | theirs | that order | this order
| that aisle | this aisle | those orders | these orders | all of it | all of them | both of them
"""
THERE = "there | in there | through there | that aisle | this aisle | down there"
REST = """
the rest | rest | everything else | all the rest | all the others | the others
| all other orders | all others | the remaining orders | all else | the other orders
| every other order | the rest of the orders | the rest of them | anything else | the remainder
"""
ALL_BUT = """
all but | everything but | all except | everything except | all orders but | all orders except
| every order but | every order except | everything apart from | all apart from | all but for
"""
OTHER = "the other | the other one | the other order"
THE_ONE = "the one | the ones | the order | that one | only the one"
ALL_ORDERS = "everything | all orders | every order | all the orders | all deliveries | anything"

# Phrases that mean something else than their words; they are never read.
PITFALLS = """
first order | last order | next order | first one | last one | last time | first time
| nothing but | anything but | first thing | last thing | last minute | first come
| last but not least | first aid | at first | at last | first floor | last call | not least
| all over | in order | in order to | on order | out of order | low on | running low | hold on
| on time | in time | just in time | for good measure | rush hour | normal people | with care of
| care of | under way | on hold music
"""

# A note with one of these is not read: it speaks to the machine, or of what notes cannot touch.
SUSPICIOUS = """
ignore | override | overrides | overrule | overruled | disregard | bypass | instruction
| instructions | system | developer | admin | administrator | root | sudo | assistant | prompt
| json | schema | output | reply | respond | answer | format | constraint | constraints
| planner | you are | act as | pretend | role | policy | rule | rules | jailbreak | debug
| test mode | safety | distance | distances | scanner | scanners | lidar | sensor | sensors
| bumper | bumpers | emergency | speed | faster | slow down | limit is | speed limit
| speed limits | no limits | all limits | limits are | limits do | capacity | payload | overload
| battery | batteries | charge | charging | charger | chargers | recharge | reserve | soc
| drive through anyway | anyway | regardless | no matter | trust me | authorised | authorized
| permission | allowed to | permitted to | disable | disabled | switch off | switched off
| turn off | turned off | deactivate | unlock | report | confirm | confirmed | accepted | model
| ai | exception | exempt | waive | new rule | from now on | user | human | language | message
| token | tokens | key | password | secret | kind | note ends | end of notes | end of note
| command | commands | execute | code | config | configuration | parameter | parameters
| setting | settings | forget everything | forget all | forget what | forget your
| forget the rules | previous | above | below | mode | check | checks | verification | verify
| validated | approved | weight | cost | costs | full power | through people | people can
| watch out for | plan | plans | planning | tour | tours | percent | kg | kilos | tonnes | brake
| brakes | braking | horn | lights | collision | teleport | fly | crash | ram | push through
| squeeze | people are fine | will move | script | function | tool | api | print | say | repeat
| translate | sign | signed | supervisor | manager | head office | security | legal | must obey
| obey | comply | compliance | protocol | privileged | privilege
"""

# Doubt and condition. Beside a name they spoil their sentence, without one the whole note; neither
# a rule nor a model reads such a sentence.
DOUBTS = """
think | maybe | perhaps | probably | possibly | might | may be | could be | if | unless | guess
| suppose | seems | seem | looks like | apparently | reckon | sure whether | not sure | unsure
| hear | heard | hope | hopefully | or | either | whether | depends | depending | provided
| assuming | assume | never mind | nevermind | kidding | joking | joke | wonder | would be nice
| undo | revert | take back | by mistake | that is wrong | was wrong | forget it | in case
"""
HEDGES = """
should | would | said | says | told | ask | asks | asked | otherwise | except | but not | when
| once | after | before | while | instead | not | no | nothing | never | back | again | longer
| yet | as if | nice to | try | about | roughly | around | approximately | ish | sometime | soon
| later | earlier | unlike | sooner | will | was | were | did | used to | might have
| could have | until
"""

# Words of work: an unread clause that has one is flagged, and spoils its sentence.
TRADE = """
order | orders | dock | docks | aisle | aisles | robot | deliver | delivery | urgent | priority
| cancel | hold | avoid | fragile | rush | deadline | due | late | usual | theirs | stop | stops
| you | must | quick | quicker | quickly | hurry | need | needs | want | wants | wanted | ready
| closed | open | wait | forklift | pallet | truck | lorry | load | unload | people | working
| blocked | careful | care | first | last | now | today | minute | minutes | hour | hours | past
| half | quarter | noon | send | bring | please | gate | door | floor | spoil | spoils | spoiled
| break | breaks | broken | scrap | customer | driver | patient | refuse | wet | spill | clean
| cleaning | repair | arrives | leaves | drive | drives | driving | go | goes | run | use
| trust | let | treat | follow | move | act | tell | skip | full | through | nevertheless
| still | push | squeeze | hit | note | notes | boss | everyone | everybody | anyone | nobody
| none | faster | free
"""

# A sentence of leisure or of yesterday asks for nothing, unless it names something by number.
OFF_TOPIC = """
yesterday | last week | last night | last month | last year | tonight | weekend | birthday
| party | football | match | lunch | canteen | kitchen | break room | kettle | kitty | car park
| radio | holiday | christmas | cake | biscuits | playing | football team | weather | raffle
| pub
"""


def phrases(table: str) -> tuple[tuple[str, ...], ...]:
    """The phrases of a table, each as its words.

    >>> phrases("keep out of | avoid")
    (('keep', 'out', 'of'), ('avoid',))
    """
    return tuple(tuple(phrase.split()) for phrase in table.split("|") if phrase.split())
