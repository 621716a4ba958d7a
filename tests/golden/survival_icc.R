# Intraclass correlations by psych: writes survival_icc.json.
# Rscript tests/golden/survival_icc.R tests/golden/survival_icc.json
suppressMessages({library(psych);library(jsonlite)})
set.seed(1)
S<-matrix(c(9,2,5,8,6,1,3,2,8,4,6,8,7,1,2,6,10,5,6,9,6,2,4,7),6,4,byrow=TRUE)
mats<-list(shrout=S, noisy=matrix(round(rnorm(30),3),10,3), good=matrix(round(rep(rnorm(8),5)+rnorm(40,sd=.2),3),8,5), pair=matrix(round(rnorm(24),2),12,2)+5, biased=outer(1:7,c(0,3,9),"+")+matrix(round(rnorm(21,sd=.5),2),7,3))
gap<-mats$good; gap[3,2]<-NA; 
out<-lapply(mats,function(m){i<-ICC(m,lmer=FALSE)$results; i90<-ICC(m,lmer=FALSE,alpha=.1)$results; list(values=m,icc=i$ICC,F=i$F,df1=i$df1,df2=i$df2,p=i$p,lower=i$`lower bound`,upper=i$`upper bound`,lower90=i90$`lower bound`,upper90=i90$`upper bound`,type=i$type)})
i<-ICC(na.omit(gap),lmer=FALSE)$results; out$gap<-list(values=gap,icc=i$ICC,lower=i$`lower bound`,upper=i$`upper bound`)
out$versions<-list(R=R.version.string,psych=as.character(packageVersion("psych")))
write_json(out,commandArgs(TRUE)[1],digits=15,auto_unbox=TRUE,na="null")
