"""Published data through their profiles: how well churn risk and the backtest do, held to bars or to what the data can give."""

from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.importing.bundles import load_bundle
from config.imports import KINDS, find_profile
from metrics.backtest.stays import read_stays
from metrics.churn_risk.training import train
from metrics.kpis.engine import answer

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not DATA.is_dir(), reason="the data folder is not on this machine")]


def test_telephone_customers_reach_the_bars_in_five_folds_without_a_word_of_churn():
    now = timezone.now()
    assert not load_bundle(folder=DATA / "telco_churn", profile=find_profile("telco_churn"), kinds=KINDS, now=now).refused
    trained = train(as_of=now, now=now)
    tested = trained.figures["validation"]
    assert (tested["how"], tested["folds"], tested["seed"]) == ("five_folds", 5, 0)
    assert (tested["rows"], tested["churned_rows"]) == (7043, 1869)
    assert tested["auc"] >= 0.84
    assert tested["brier"] <= 0.14
    assert tested["calibration_error"] < 0.03
    names = [column["name"] for column in trained.model.columns]
    assert not [name for name in names if "churn" in name.lower()]
    assert trained.figures["left_out"]["attribute:Churn"] == "name"
    assert {"attribute:InternetService", "attribute:PaymentMethod"} <= set(names)
    # who left is who the logo churn of the day counts
    stays = read_stays(known=now)
    figure = answer(name="logo_churn", start="2020-01-01", end="2020-01-02", now=now)
    assert figure["parts"]["churned"] == stays.leavers == 1869
