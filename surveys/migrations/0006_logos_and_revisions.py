"""Logos have a table of their own, so that no list of surveys loads them; drafts count their changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("surveys", "0005_letters_steps_and_deadlines"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="survey",
            name="logo",
        ),
        migrations.RemoveField(
            model_name="survey",
            name="logo_type",
        ),
        migrations.AddField(
            model_name="survey",
            name="logo_file",
            field=models.CharField(blank=True, default="", editable=False, max_length=80),
        ),
        migrations.AddField(
            model_name="survey",
            name="logo_height",
            field=models.PositiveSmallIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="survey",
            name="logo_width",
            field=models.PositiveSmallIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="survey",
            name="revision",
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name="surveyversion",
            name="revision",
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.CreateModel(
            name="SurveyLogo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file", models.CharField(max_length=80, verbose_name="file")),
                ("media_type", models.CharField(max_length=20, verbose_name="type")),
                ("content", models.BinaryField(verbose_name="content")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("survey", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="logos", to="surveys.survey", verbose_name="survey")),
            ],
            options={
                "verbose_name": "logo",
                "verbose_name_plural": "logos",
                "constraints": [models.UniqueConstraint(fields=("survey", "file"), name="survey_logo_once")],
            },
        ),
    ]
