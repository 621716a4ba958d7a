"""How hospitals spell the columns and values of a clinical table. Add a spelling here when one is missing.

Column names are compared without case, accents, blanks and punctuation: ``Overall.Stage`` is
``overallstage``. A meaning has tiers: those of a later tier count only where no column has a name of an earlier one.
"""

from __future__ import annotations

__all__ = [
    "ALIVE_WORDS",
    "ANY_EVENT_COLUMNS",
    "ANY_TIME_COLUMNS",
    "BODY_WORDS",
    "COLUMNS",
    "DAYS_PER_UNIT",
    "DEATH_WORDS",
    "EVENT",
    "EVENT_UNSURE",
    "HISTOLOGY",
    "MISSING",
    "SEX",
    "SMOKING",
    "SPEAKS_OF_TIMES",
    "TIME_COLUMNS",
    "TIME_TO_DEATH",
    "TIME_TO_LAST",
    "TIME_WORDS",
    "UNIT_WORDS",
    "YES_NO",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "id": (
        # The barcode of the TCGA; its tables also hold numbers and UUIDs that no image has.
        _words("bcrpatientbarcode casesubmitterid casessubmitterid"),
        _words("patientid patid patientnr patnr patientno patno patientnumber patientpseudonym pseudonym patientcode"),
        _words("patient subjectid subject caseid studyid id pid patientidentifier patientennummer idpaciente"),
        _words(
            "住院号 住院號 病歷號 病历号 病案号 患者id 病人id 患者编号 患者番号 病歴番号 환자번호 등록번호 "
            "номерпациента "
            "numeropatient"
        ),
    ),
    "centre": (
        _words(
            "centre center hospital institution institute zentrum klinik clinic centreid centerid "
            "centrename centername hospitalname hospitalid institutionname krankenhaus hopital ospedale ziekenhuis "
            "clinica centro "
            "treatmentcentre treatmentcenter treatingcentre treatingcenter studycentre studycenter studysite siteid "
            "医院 病院 병원 больница центр"
        ),
        _words("site"),
    ),
    "event": (
        _words(
            "deadstatusevent event death dead died deceased osevent eventos osstatus overallsurvivalstatus "
            "deathevent "
            "eventdeath deathstatus deathobserved vitalstatus survivalstatus statusos verstorben décès décédé "
            "statutvital estadovital statovitale 生存状态 生存狀態 生存状態 生存结局 转归 転帰 死亡 생존상태 "
            "생존여부 "
            "사망여부 사망"
        ),
        _words("status vital"),
    ),
    "age": (
        _words("ageatindex"),  # of the GDC, beside age_at_diagnosis in days
        _words(
            "ageyears age ageatdiagnosis ageathistologicaldiagnosis ageatrt ageattreatment agediagnosis patientage "
            "alter altersjahre edad età âge leeftijd возраст 年龄 年齡 年齢 나이 연령"
        ),
    ),
    "sex": (_words("sex gender patientsex geschlecht sexe sexo sesso geslacht пол 性别 性別 성별"),),
    "stage": (
        _words("overallstage tnmstage uiccstage ajccstage stageoverall clinicalstage ajccpathologicstage uicc ajcc"),
        _words("stage stadium tumourstage tumorstage"),
    ),
    "t": (
        _words(
            "tstage ctstage clinicaltstage clinicalt tcategory ajccclinicalt ptstage pathologicaltstage "
            "pathologictstage ajccpathologict"
        ),
        _words("t ct"),
    ),
    "n": (
        _words(
            "nstage cnstage clinicalnstage clinicaln ncategory ajccclinicaln pnstage pathologicalnstage "
            "pathologicnstage ajccpathologicn"
        ),
        _words("n cn"),
    ),
    "m": (
        _words(
            "mstage cmstage clinicalmstage clinicalm mcategory ajccclinicalm pmstage pathologicalmstage "
            "pathologicmstage ajccpathologicm"
        ),
        _words("m cm"),
    ),
    "ecog": (_words("ecog ecogps ecogstatus ecogperformancestatus performancestatus whops who ps"),),
    "histology": (_words("histology histologicaltype histologytype histologicalsubtype histologie pathology"),),
    "smoking": (_words("smoking smokingstatus smokinghistory smoker raucher raucherstatus tobaccosmokingstatus"),),
    "date_zero": (
        _words(
            "timezero datezero rtstart rtstartdate startofrt startrt dateofrtstart startofradiotherapy "
            "radiotherapystart radiotherapystartdate dateofradiotherapystart startoftreatment treatmentstart "
            "treatmentstartdate dateoftreatmentstart dateofdiagnosis diagnosisdate ctdate imagingdate scandate "
            "dateofct dateofimaging dateofsurgery surgerydate rtbeginn therapiebeginn diagnosedatum"
        ),
    ),
    "date_death": (_words("dateofdeath deathdate todesdatum sterbedatum"),),
    "date_last": (
        _words(
            "dateoflastfollowup lastfollowupdate lastfollowup datelastfollowup dateoflastcontact lastcontactdate "
            "dateoflastknownalive lastknownalive datelastseen letzterkontakt fudate followupdate dateoffollowup"
        ),
    ),
    "dose": (_words("dosegy dose totaldose totaldosegy prescribeddose prescribeddosegy rtdose rtdosegy gesamtdosis"),),
}

DAYS_PER_UNIT: dict[str, float] = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}

_TIME_NAMES = _words(
    "survivaltime survival os ostime overallsurvival overallsurvivaltime time followup followuptime timetoevent "
    "timetodeath überleben überlebenszeit ueberlebenszeit survie survieglobale "
    "sobrevida supervivencia supervivenciaglobal sopravvivenza overleving overlevingsduur выживаемость "
    "общаявыживаемость 生存时间 生存時間 生存期 总生存期 生存期间 生存期間 全生存期間 总生存时间 随访时间 随訪時間 "
    "観察期間 "
    "생존기간 생존시간 전체생존기간"
)
_TIME_UNITS: dict[str, tuple[str, ...]] = {
    "days": _words(
        "days day d tage tag indays jours jour días día dias giorni giorno dagen dag dagar dager dni dnů дней дни "
        "дня "
        "день суток gün zile päivää nap ημέρες 天 日 天数 日数 일 일수"
    ),
    "weeks": _words(
        "weeks week wk wks wochen woche inweeks semaines semaine semanas semana settimane settimana weken veckor "
        "uker "
        "tygodni týdnů недель недели недел hafta 周 週 주 週間 周数 週数"
    ),
    "months": _words(
        "months month mo mos mths mth mon m monate monat inmonths mois meses mês mes mesi mese maanden maand mnd "
        "månader "
        "måneder miesiące miesięcy měsíce měsíců месяцев месяцы месяца месяц мес aylar luni hónap kuukautta kk ay "
        "μήνες μήνας "
        "月 个月 個月 ヶ月 か月 カ月 ケ月 箇月 개월 개월수 月数"
    ),
    "years": _words(
        "years year yrs yr y jahre jahr inyears ans années année años año anos ano anni anno jaar jaren lat roky "
        "roku "
        "лет года годы год år yıl έτη ani 年 年数 년 년수"
    ),
}
_SIGNS = ("生存", "随访", "随訪", "観察")
# Without a unit a time is in days. "os" and "survival" alone are often the event, so they need their unit.
TIME_COLUMNS: dict[str, str] = {
    **{name: "days" for name in _TIME_NAMES if name not in ("os", "survival", "überleben", "followup", "survie")},
    **{name + end: unit for name in _TIME_NAMES for unit, ends in _TIME_UNITS.items() for end in ends},
    **{unit + "survival": unit for unit in _TIME_UNITS},
    **{sign + end: unit for sign in _SIGNS for unit, ends in _TIME_UNITS.items() for end in ends if end[-1] == "数"},
}
# Of an event other than death: names that speak neither of death nor of overall survival.
ANY_EVENT_COLUMNS: tuple[tuple[str, ...], ...] = (_words("event eventobserved"), _words("status"))
_ANY_TIMES = ("time", "followup", "timetoevent", "随访时间", "随訪時間", "観察期間")
ANY_TIME_COLUMNS: tuple[str, ...] = tuple(
    name for name in TIME_COLUMNS if name.startswith(_ANY_TIMES) and "death" not in name
)
# Time to death of the dead beside time to the last follow-up of the others, as in tables of the GDC and the TCGA.
TIME_TO_DEATH: tuple[tuple[str, ...], ...] = (
    tuple(f"{unit}todeath" for unit in ("days", "time", "weeks", "months", "years"))
    + tuple(f"death{unit}to" for unit in ("days", "months"))
    + tuple(f"timetodeath{unit}" for unit in ("days", "weeks", "months", "years")),
)
_LAST = _words("lastfollowup lastcontact lastknownalive lastfu lastvisit lastseen")
TIME_TO_LAST: tuple[tuple[str, ...], ...] = tuple(
    tuple(f"{unit}to{last}" for unit in ("days", "time", "weeks", "months", "years"))
    + tuple(f"{last}{unit}to" for unit in ("days", "months"))
    + tuple(f"timeto{last}{unit}" for unit in ("days", "weeks", "months", "years"))
    for last in _LAST
)
# What tells, of two columns of times that the user named, which one is that of the dead.
DEATH_WORDS = _words("death dead died deceased tod verstorben décès muerte morte óbito overlijden смерт 死亡 사망")

# Unit words that stand apart in a name that the user gave: "Dauer (Monate)". Of a single letter only those in brackets.
UNIT_WORDS: dict[str, str] = {word: unit for unit, words in _TIME_UNITS.items() for word in words}
# Words of a name that are no unit.
TIME_WORDS: frozenset[str] = frozenset(
    [
        *_TIME_NAMES,
        *_words(
            "to event death last follow up followup fu contact overall total from since start of rt ct the at after"
        ),
        *_words(
            "after diagnosis treatment therapy radiotherapy surgery date end in until or and censored censoring status"
        ),
        *_words("final new updated corrected duration interval patient observation known alive dead"),
        *_words("zeit dauer bis seit ab beginn temps durée tiempo tempo tijd duur globale globale global gesamt"),
    ]
)

# Compared without brackets and quotation marks around them: "[Not Available]" of the TCGA, "'--" of the GDC.
MISSING: frozenset[str] = frozenset(
    {"", "na", "n/a", "n.a.", "n. a.", "nan", "<na>", "none", "null", "nil", "unknown", "unk", "-", "--", "---", "–",
     "—", "?", ".", "..", "/", "missing", "k.a.", "k. a.", "unbekannt", "not available", "not applicable",
     "not reported", "not recorded", "not collected", "not evaluated", "not known", "not allowed to collect",
     "discrepancy", "pending", "no data", "#n/a", "#value!", "#ref!", "#div/0!", "#num!", "#name?", "#null!", "x",
     "tx", "nx", "mx", "inconnu", "inconnue", "desconocido", "desconhecido", "sconosciuto", "onbekend", "неизвестно",
     "нет данных", "不详", "不詳", "未知", "不明", "未詳", "缺失", "无", "無", "欠測", "미상", "모름", "없음"}
)  # fmt: skip

EVENT: dict[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "y", "ja", "j", "dead", "deceased", "died", "death", "1:deceased"), True),
    **dict.fromkeys(("verstorben", "gestorben", "tot", "event", "expired", "1:dead", "exitus"), True),
    **dict.fromkeys(("0", "false", "no", "n", "nein", "alive", "living", "0:living", "0:alive", "censored"), False),
    **dict.fromkeys(("lebt", "lebend", "zensiert", "lost to follow-up"), False),
    # Died of disease, of other or unknown cause; alive with, without or with no evidence of disease.
    **dict.fromkeys(_words("oui sí sì si да 是 예"), True),
    **dict.fromkeys(_words("non nee não нет 否 아니오"), False),
    **dict.fromkeys(("dod", "doc", "duc"), True),
    **dict.fromkeys(("awd", "awod", "ned", "aned"), False),
    **dict.fromkeys(
        _words("décédé décédée mort morte fallecido fallecida muerto muerta falecido falecida óbito"), True
    ),
    **dict.fromkeys(
        _words("óbito deceduto deceduta morto morta overleden zmarł zmarła zgon умер умерла 死亡 사망"), True
    ),
    **dict.fromkeys(("vivant", "vivante", "en vie", "vivo", "viva", "vivente", "in vita", "levend", "in leven"), False),
    **dict.fromkeys(_words("żyje жив жива 存活 生存 健在 생존 删失 刪失 打ち切り"), False),
}
# Words by which a title or a footnote speaks of the times of the table.
SPEAKS_OF_TIMES = _words(
    "time times survival os follow followup fu zeit zeiten überleben überlebenszeit survie suivi temps tiempo "
    "supervivencia "
    "sobrevida sopravvivenza tempo tijd overleving время выживаемость unit units einheit unité unidad"
)
# Words of the place of a tumour, by which a column called a centre is known to hold none. Abbreviations of lobes first.
BODY_WORDS = _words(
    "rul rml rll lul lll lingula ol ml ul rol lol l r li re left right both bilateral central peripheral upper "
    "middle "
    "lower lobe lobes lobus lung lungs pulmonary bronchus bronchi main hilum hilus hilar mediastinum mediastinal "
    "pleura "
    "trachea carina apex apical basal thorax chest brain liver bone adrenal kidney pancreas esophagus oesophagus "
    "breast "
    "prostate colon rectum bladder stomach head neck node nodes lymph skin segment superior inferior medius anterior "
    "posterior nos overlapping lesion of the and in region tumor tumour primary unspecified other oberlappen "
    "mittellappen unterlappen lappen lunge links rechts beidseits zentral peripher poumon supérieur inférieur moyen "
    "gauche droite droit lóbulo pulmón izquierdo derecho izquierda derecha medio polmone lobo destro sinistro destra "
    "sinistra superiore inferiore long kwab boven onder midden rechter linker левое правое легкое левый правый "
    "верхняя "
    "нижняя доля 左 右 左肺 右肺 上叶 中叶 下叶 上葉 中葉 下葉 左肺上叶 左肺下叶 右肺上叶 右肺中叶 右肺下叶 左上叶 "
    "左下叶 右上叶 "
    "右中叶 右下叶 左上葉 左下葉 右上葉 右中葉 右下葉 肺 肺门 纵隔 좌 우 폐 좌상엽 좌하엽 우상엽 우중엽 우하엽"
)
# Figures and words that say whether the name of their column is true.
YES_NO = frozenset(_words("1 0 true false yes no y n ja nein j oui non nee sí sì si não да нет 是 否 예 아니오"))
# Parts of names that are true of the living.
ALIVE_WORDS = _words("alive living lebend lebt vivant vivo viva vivente levend жив 生存 存活 생존")
# Names under which registries use 1 for dead and others 1 for alive.
EVENT_UNSURE = frozenset(_words("vitalstatus vital survivalstatus overallsurvivalstatus"))

# 1 and 2 as in ISO/IEC 5218.
SEX: dict[str, str] = {
    **dict.fromkeys(("m", "male", "man", "1", "männlich", "maennlich"), "male"),
    **dict.fromkeys(_words("homme hombre masculin masculino maschio мужской муж 男 男性 남 남성 남자"), "male"),
    **dict.fromkeys(("f", "female", "woman", "2", "w", "weiblich"), "female"),
    **dict.fromkeys(
        _words("femme mujer féminin femenino feminino femmina vrouw женский жен 女 女性 여 여성 여자"), "female"
    ),
}

# Letters only. "Nonsmoker" may mean never or not now: it is not understood.
SMOKING: dict[str, str] = {
    **dict.fromkeys(
        _words("never neversmoker neversmoked nie nieraucher lifelongneversmoker lifelongnonsmoker"), "never"
    ),
    **dict.fromkeys(_words("former formersmoker exsmoker ex past exraucher ehemalig quit reformedsmoker"), "former"),
    **dict.fromkeys(_words("current currentsmoker smoker active aktiv raucher activesmoker"), "current"),
}

# First part of the text that matches wins: adenosquamous before adeno.
HISTOLOGY: tuple[tuple[str, str], ...] = (
    ("adenosquam", "other"),
    ("neuroendo", "other"),
    ("adeno", "adenocarcinoma"),
    ("squam", "squamous"),
    ("scc", "squamous"),
    ("platten", "squamous"),
    ("large", "large_cell"),
    ("lcc", "large_cell"),
    ("gross", "large_cell"),
    ("nos", "nos"),
    ("not otherwise", "nos"),
)
