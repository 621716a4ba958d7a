"""The words that names of regions are made of, in the languages of the clinics, by what they say of a region.

Latin words stand without accents; ``perisurv.cohort.roi_names`` takes them off names as well.
"""

from __future__ import annotations

__all__ = ["CORE", "IMPERSONAL", "OTHER", "QUALIFIERS", "SPREAD"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The region is a tumour. ``gtv`` and ``primary`` are told apart from the rest where names are ranked.
CORE = _words(
    """
    gtv primary tumor tumour tumeur tumore tumoral tumorale neoplasm neoplasia neoplasie neoplasma lesion laesion
    lasion lesione lesao laesie mass masse massa masa nodule nodulo cancer carcinoma karzinom carcinome
    adenocarcinoma adenokarzinom krebs malignancy malignom raumforderung herd rundherd lungentumor lungenkarzinom
    lungenkrebs lungenherd lungenrundherd primartumor primaertumor primarius bronchialkarzinom longtumor longkanker
    gezwel svulst lungcancer lungtumor lungtumour lungmass lungnodule primarytumor primarytumour grosstumor опухоль
    guz nador daganat haupttumor
    肿瘤 腫瘤 腫瘍 肿块 腫塊 原发灶 原發灶 原发肿瘤 原發腫瘤 原発巣 原発腫瘍 原发 病灶 病变 结节
    結節 占位 肺癌 肺がん 종양 폐암
    """
)

# Which tumour, where in the lung, and on which image: they leave a tumour a tumour.
QUALIFIERS = _words(
    """
    p prim primaire primar primaer primario primaria primarily pri t tum gross target volume vol main index largest
    of the a b c l r lt rt left right re li rechts links linke rechte droit droite gauche derecho derecha izquierdo
    izquierda destra destro sinistra sinistro dx sx direita esquerda linker rechter rul rml rll lul lll lingula ul
    ml ll ol upper middle lower lobe apex apical basal peripheral central superior inferior oberlappen unterlappen
    mittellappen ober unter mittel lappen lobo lobulo lob superieur inferieur moyen superiore inferiore medio lung
    pulmonary pulm pulmo lunge poumon pulmon polmone pulmao long bronchial nsclc sclc scc squamous sqcc de du der
    des del della dello di da la le el il im in ct fbct planning phase ph series auto manual man semi vis final
    finale new neu edited edit approved reviewed corrected v version rater reader observer obs user expert doctor md
    image img primitif primitive primitivo primitiva pulmonaire polmonare pulmonar lsd lsg lid lig volumen легкого
    gy cgy 肺部 靶区 左 右 上 中 下 叶 葉 肺 左肺 右肺 上叶 中叶 下叶 的 期 号
    """
)

# That the region is one, not which.
IMPERSONAL = _words(
    """
    mask masks maske masque mascara maschera seg segment segmentation segmentations label labels labelmap roi rois
    struct structure structures structureset rtstruct rtss contour contours annotation gt groundtruth desc
    """
)

_NODE = """
    n nd ln lns lnn lk node nodes nodal nodals lymph lymphnode lymphnodes lymphknoten lymphatic lymphatics lymphom
    lymphoma lymphome lymphadenopathy knoten ggl ggls ganglion ganglions ganglionnaire ganglionnaires ganglio
    ganglios gg adp adps adeno adenopathy adenopathie adenopathies adenopatia adenopatias adenopatie linfonodo
    linfonodi linfoadenopatia linfatico linfatici linfonodal linfonodale nodo nodi nodos klier klieren lymfeklier
    lymfeklieren lymfklier station stations hilar hilum hilus hilaire hila mediastinal mediastinum mediastin
    mediastino mediastinale subcarinal subcarina paratracheal paraaortic aortopulmonary supraclav supraclavicular
    supraclaviculaire infracarinal prevascular axilla axillary gtvn gtvnd gtvln ngtv nx лимфоузел лимфоузлы wezel
    wezly 淋巴 淋巴结 淋巴結 リンパ リンパ節 纵隔 縦隔 肺门 肺門 锁骨上 림프절
"""

_METASTASIS = """
    m met mets meta metas metastasis metastases metastase metastasen metastatic metastatique metastasi metastasico
    metastatico metastaze oligomet oligomets satellite satellites sat secondary secondaries secondaire filia filiae
    rezidiv recurrence recurrent recidive recidiva recidief relapse residual residue residu residuo rest brain hirn
    gehirn cerveau cerebral cerebro cerebrum cervello cerebellum hersenen bone bony os knochen hueso osso bot liver
    leber foie higado fegato lever adrenal adrenals nebenniere surrenale suprarenal spine spinal vertebra vertebrae
    vertebral wirbel vertebre th 转移 轉移 転移 转移瘤 脑 腦 骨 肝 肾上腺 脑转移 骨转移
"""

_ORGAN = """
    lungs lungen poumons pulmones polmoni longen pulmoes lungl lungr llung rlung totallung lunglt lungrt pulmons
    双肺 两肺 heart herz coeur cuore corazon hart atrium atrial ventricle ventricular myocardium pericardium lad lca
    rca lcx aorta aort vena cava vein veins artery arteries arteria vessel vessels svc ivc trachea traquea luftrohre
    bronchus bronchi bronchia bronchien bronche bronches bronchio bronco pbt carina airway airways oesophagus
    esophagus osophagus oesophage esofago speiserohre slokdarm cord myelon ruckenmark medulla moelle medula midollo
    ruggenmerg canal rib ribs rippe rippen cote cotes costal costilla costole sternum clavicle clavicula scapula
    humerus hip sacrum femur femoral gluteus autochthon iliopsoas muscle spleen milz rate bazo milza kidney kidneys
    niere nieren rein reins rene rinon gallbladder stomach magen estomac estomago stomaco pancreas duodenum bowel
    intestine colon bladder prostate thyroid schilddruse brachial plexus chestwall wall skin haut peau piel pelle
    body korper corps cuerpo corpo outer thorax chest face trunk carotid gland cyst iliac subclavian portal external
    brainstem parotid eye lens skull breast mamma brust sein mama seno diaphragm zwerchfell thymus larynx pharynx
    nerve ganglia effusion pleura pleural atelectasis atelektase atelectasia fat fibrosis emphysema tissue pacemaker
    port couch table tisch implant prosthesis bolus isocenter iso marker markers fiducial fiducials clip organ
    organs oar oars normal healthy greatves rueckenmark bones patient
    contrast 心脏 心臟 食管 食道 气管 氣管 脊髓 主动脉 肝脏 肾 脾 胃 皮肤 身体
"""

_MARGIN = """
    ptv ctv itv igtv igtvp ictv iptv pgtv pctv mgtv prv btv mtv i ring rings shell shells rim wall margin margins
    expand expanded expansion exp erw erweitert marge marges margen margine minus without wo sans ohne senza less
    excl exclude excluded excluding minusgtv sub subtract subtracted crop cropped cut and und et y e plus all total
    tot sum summe whole combined union boost bed tumorbed tumourbed tb lit loge cavity tumorbett surgical resection
    postop mm cm inner interior peri peritumoral peritumor peritumour border halo zone core necrosis necrotic
    hypoxia hypoxic 外扩 瘤床 计划靶区
"""

_TEST = """
    test tests temp tmp old alt alte ancien vieux viejo vecchio oud previous prev prior backup bak copy kopie copie
    copia draft entwurf dummy trash delete deleted empty leer demo help helper hilf hilfe hilfsstruktur opt optim
    opti optimisation optimization avoid avoidance dose zring zgtv z zz zzz junk wrong falsch unused not no non nicht
    pas kein dnu obsolete discard ignore rejected artefact artifact noise background pred prediction predicted
"""

_OTHER_IMAGE = """
    pet pt suv fdg mr mri mrt irm t1w t2w dwi adc flair cbct mvct mip aip avg ave average mean
"""

# Nodes, metastases, organs, margins, tests and other images: never the primary tumour.
SPREAD = _words(_NODE + _METASTASIS)
OTHER = SPREAD | _words(_ORGAN + _MARGIN + _TEST + _OTHER_IMAGE)
