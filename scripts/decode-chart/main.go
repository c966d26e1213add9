// Decodes rendered objects strictly, with the types of Kubernetes and of the Prometheus operator: each field must be one that they know,
// and of its type. Pods must satisfy the "restricted" standard, by the code that Kubernetes itself checks it with. See `make lint-chart`.
package main

import (
	"bytes"
	"fmt"
	"os"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	failed := false
	for _, file := range os.Args[1:] {
		raw, err := os.ReadFile(file)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		for _, document := range bytes.Split(raw, []byte("\n---\n")) {
			for _, fault := range faults(evaluator, document) {
				failed = true
				fmt.Printf("%s: %s\n", file, fault)
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}

// What is wrong with one object, which may be an empty document.
func faults(evaluator policy.Evaluator, document []byte) []string {
	var named struct {
		metav1.TypeMeta
		Metadata metav1.ObjectMeta
	}
	if err := yaml.Unmarshal(document, &named); err != nil {
		return []string{err.Error()}
	}
	if named.Kind == "" {
		return nil
	}
	object, pod := empty(named.APIVersion + "/" + named.Kind)
	where := named.Kind + " " + named.Metadata.Name + ": "
	if object == nil {
		return []string{where + "a kind that is not known here"}
	}
	raw, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return []string{where + err.Error()}
	}
	if faults := strictFaults(raw, object); faults != nil {
		return prefixed(where, faults)
	}
	if config, is := object.(*monitoringv1alpha1.AlertmanagerConfig); is && config.Spec.Route != nil {
		return prefixed(where, routeFaults(config.Spec.Route.Routes))
	}
	if pod == nil {
		return nil
	}
	template := pod()
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	checked := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec))
	if !checked.Allowed {
		return []string{where + "not restricted: " + checked.ForbiddenDetail()}
	}
	return nil
}

// An empty object of this kind, and what takes its pod out of it.
func empty(kind string) (any, func() corev1.PodTemplateSpec) {
	switch kind {
	case "apps/v1/StatefulSet":
		object := &appsv1.StatefulSet{}
		return object, func() corev1.PodTemplateSpec { return object.Spec.Template }
	case "apps/v1/Deployment":
		object := &appsv1.Deployment{}
		return object, func() corev1.PodTemplateSpec { return object.Spec.Template }
	case "v1/Pod":
		object := &corev1.Pod{}
		return object, func() corev1.PodTemplateSpec {
			return corev1.PodTemplateSpec{ObjectMeta: object.ObjectMeta, Spec: object.Spec}
		}
	case "v1/ConfigMap":
		return &corev1.ConfigMap{}, nil
	case "v1/Secret":
		return &corev1.Secret{}, nil
	case "v1/Service":
		return &corev1.Service{}, nil
	case "networking.k8s.io/v1/NetworkPolicy":
		return &networkingv1.NetworkPolicy{}, nil
	case "policy/v1/PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}, nil
	case "monitoring.coreos.com/v1/ServiceMonitor":
		return &monitoringv1.ServiceMonitor{}, nil
	case "monitoring.coreos.com/v1/PodMonitor":
		return &monitoringv1.PodMonitor{}, nil
	case "monitoring.coreos.com/v1/PrometheusRule":
		return &monitoringv1.PrometheusRule{}, nil
	case "monitoring.coreos.com/v1alpha1/AlertmanagerConfig":
		return &monitoringv1alpha1.AlertmanagerConfig{}, nil
	}
	return nil, nil
}

// The operator's type takes routes within the first one for any JSON.
func routeFaults(routes []apiextensionsv1.JSON) []string {
	found := []string{}
	for _, raw := range routes {
		route := monitoringv1alpha1.Route{}
		found = append(found, strictFaults(raw.Raw, &route)...)
		found = append(found, routeFaults(route.Routes)...)
	}
	return found
}

// Decodes as Kubernetes does; Go's own decoder would take a name in other letters, such as scrapeTimeOut.
func strictFaults(raw []byte, into any) []string {
	strict, err := kjson.UnmarshalStrict(raw, into)
	if err != nil {
		strict = append(strict, err)
	}
	var found []string
	for _, fault := range strict {
		found = append(found, fault.Error())
	}
	return found
}

func prefixed(prefix string, texts []string) []string {
	for i := range texts {
		texts[i] = prefix + texts[i]
	}
	return texts
}
