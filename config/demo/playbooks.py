"""Playbooks of the demo: advice in order for what comes up every week."""

from typing import Any

PLAYBOOKS: list[dict[str, Any]] = [
    {
        "key": "save-a-renewal",
        "name": "Save a renewal",
        "description": "A renewal comes near and health is not what it was.",
        "steps": [
            {"text": "Tell the sponsor what you see, with numbers.", "due_days": 1},
            {"text": "Review use with the champion.", "due_days": 4},
            {"text": "Send one page on what was gained against what it costs.", "due_days": 7},
            {"text": "Bring an engineer to the weekly call for the oldest ticket.", "due_days": 10},
            {"text": "Make the renewal offer in two variants.", "due_days": 21},
        ],
    },
    {
        "key": "close-the-loop",
        "name": "Close the loop",
        "description": "Somebody answered that they are unhappy.",
        "steps": [
            {"text": "Read the answer and the last tickets.", "due_days": 0},
            {"text": "Call within one working day; listen first.", "due_days": 1},
            {"text": "Write down what was agreed and by when.", "due_days": 1},
            {"text": "Tell them when it is done.", "due_days": 14},
        ],
    },
    {
        "key": "first-60-days",
        "name": "First 60 days",
        "description": "From the contract to the first value.",
        "steps": [
            {"text": "Kick-off with goals and names.", "due_days": 3},
            {"text": "Data in, first ten routes planned.", "due_days": 14},
            {"text": "Train every planner.", "due_days": 25},
            {"text": "First review against the goals.", "due_days": 45},
            {"text": "Hand over to the rhythm of the segment.", "due_days": 60},
        ],
    },
    {
        "key": "payment-failed",
        "name": "Payment failed",
        "description": "A card expired or an account ran dry.",
        "steps": [{"text": "Ask for a new card.", "due_days": 0}, {"text": "Call the champion if billing is silent.", "due_days": 4}],
    },
    {
        "key": "win-back",
        "name": "Win back",
        "description": "A customer left for a reason that is gone by now.",
        "steps": [
            {"text": "Read why they left and what has changed since.", "due_days": 1},
            {"text": "Call the former champion; tell what is different.", "due_days": 5},
            {"text": "Offer to bring their data back within a day.", "due_days": 14},
        ],
    },
]
